import { checkNames, checkObject, checkOneOf, invalid, isRecord } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import type { Plane } from '../image/plane.ts';
import type { BoxSearch } from './boxes.ts';
import { checkThreshold, type Threshold } from './threshold.ts';

/** Lengths and areas are in pixels of the original picture, whatever the map's size. */
export interface BoxOptions extends BoxSearch, Plane {}

/** Options of `peaks`. */
export interface PeakOptions extends Plane {
  /** Two peaks are further apart than so many pixels, across or down. Default: a tenth of the picture's longer side. */
  readonly minDistance?: number | undefined;
  /** What does not lie above it is no peak. Without one all that is larger than the map's smallest value may be. */
  readonly threshold?: Threshold | undefined;
  /** So many at most, the largest. Default: all. */
  readonly max?: number | undefined;
}

/** Options of `mask`. */
export interface MaskOptions extends Plane {
  /** What lies above it is inside. Default { ofMax: 0.15 }. */
  readonly threshold?: Threshold | undefined;
}

/** Options of `crop`: what is cut out. */
export interface CropOptions extends Plane {
  /** What is cut out: a box of `boxes()`, or left, top, width and height in the original picture's pixels. */
  readonly box?: RectInput | undefined;
  /** Instead: the largest part above it. Default { ofMax: 0.15 }. */
  readonly threshold?: Threshold | undefined;
  /** So many pixels more on every side, or a share of the box's width and height, such as '10%'. Default 0. */
  readonly margin?: number | `${number}%` | undefined;
}

/** How contours are looked for. */
export interface ContourSearch {
  /** What lies above it is inside. Default { ofMax: 0.15 }. */
  readonly threshold?: Threshold | undefined;
  /** 8 (default) or 4: whether diagonal neighbours belong together. */
  readonly connectivity?: 4 | 8 | undefined;
  /** So many at most, the largest. Default: all. */
  readonly max?: number | undefined;
  /** Parts of fewer pixels don't count. */
  readonly minArea?: number | undefined;
}

/** Options of `contours`. */
export interface ContourOptions extends ContourSearch, Plane {}

/** A box in the original picture's pixels, as an object or [left, top, width, height]. */
export type RectInput =
  | { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
  | readonly [x: number, y: number, width: number, height: number];

const PLANE = ['slice', 'axis'];
const CHECKS: Readonly<Record<string, (name: string, value: unknown) => unknown>> = {
  threshold: checkThreshold,
  connectivity: (name, value) => {
    if (value !== 4 && value !== 8) throw invalid(`\`${name}\` is 4 or 8, not ${shown(value)}`);
  },
  by: (name, value) => checkOneOf(name, value, ['area', 'sum', 'peak']),
  max: (name, value) => {
    if (value !== Infinity && !isWhole(value, 1))
      throw invalid(`\`${name}\` is a whole number of at least 1, or Infinity, not ${shown(value)}`);
  },
  minArea: (name, value) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw invalid(`\`${name}\` is a number of pixels, not ${shown(value)}`);
  },
  minDistance: (name, value) => {
    if (!isWhole(value, 1)) throw invalid(`\`${name}\` is a whole number of pixels of at least 1, not ${shown(value)}`);
  },
  margin: (_, value) => checkMargin(value),
  box: (_, value) => rectOf(value, '`box`'),
};

const NAMES = {
  boxes: ['threshold', 'connectivity', 'by', 'max', 'minArea'],
  peaks: ['minDistance', 'threshold', 'max'],
  mask: ['threshold'],
  crop: ['box', 'threshold', 'margin'],
  contours: ['threshold', 'connectivity', 'max', 'minArea'],
};
export type Decision = keyof typeof NAMES;

/**
 * @param plane whether a plane of a volume may be chosen here
 * @throws `ERR_OPTION_INVALID`
 */
export function checkDecision(where: Decision, options: unknown, plane = true): void {
  checkObject(options, where);
  const known = NAMES[where];
  checkNames(options as object, plane ? [...known, ...PLANE] : known, where);
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of known) if (given[name] !== undefined) CHECKS[name]!(name, given[name]);
  if (where === 'crop' && given.box !== undefined && given.threshold !== undefined)
    throw invalid('crop takes `box` or `threshold`, not both: a box says what is cut out');
}

const isWhole = (value: unknown, least: number) => Number.isInteger(value) && (value as number) >= least;

/** @throws `ERR_OPTION_INVALID` */
export function rectOf(value: unknown, where: string) {
  const [x, y, width, height, ...more] = Array.isArray(value)
    ? value
    : isRecord(value)
      ? [value.x, value.y, value.width, value.height]
      : [];
  const isNumber = (one: unknown): one is number => typeof one === 'number' && Number.isFinite(one);
  if (!isNumber(x) || !isNumber(y) || !isNumber(width) || !isNumber(height) || width <= 0 || height <= 0 || more.length)
    throw invalid(
      `${where} is { x, y, width, height } or [x, y, width, height] in the picture's pixels, with a width and height above 0, not ${shown(value)}`,
    );
  return { x, y, width, height };
}

const PERCENT = /^(\d+(?:\.\d+)?|\.\d+)%$/;

function checkMargin(value: unknown): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return;
  if (typeof value === 'string' && PERCENT.test(value.trim())) return;
  throw invalid(
    `\`margin\` is a number of pixels of at least 0, or a share of the box's sides such as '10%', not ${shown(value)}`,
  );
}

/** Pixels left and right, and above and below. */
export function marginOf(margin: CropOptions['margin'], { width, height }: { width: number; height: number }) {
  if (typeof margin !== 'string') return { across: margin ?? 0, down: margin ?? 0 };
  const share = Number(PERCENT.exec(margin.trim())![1]) / 100;
  return { across: share * width, down: share * height };
}
