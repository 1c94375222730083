import { fileURLToPath } from 'node:url';
import { checkNames, checkObject, checkOneOf, invalid } from '../common/checks.ts';
import { OnnxCamError } from '../common/errors.ts';
import { isUrl } from '../common/kinds.ts';
import { shown } from '../common/shown.ts';
import type { EncodeOptions } from '../image/encode.ts';
import type { Plane } from '../image/plane.ts';
import { type RenderOptions as ColourOptions, checkAlpha } from '../image/render.ts';
import type { BoxSearch } from './boxes.ts';
import type { MapContour } from './contours.ts';
import { type ContourSearch, checkDecision, type RectInput, rectOf } from './decision-options.ts';

/** The values of a method, in the units of `raw`, that become 0 and 1. */
export type ValueRange = readonly [low: number, high: number];

/** Colours and outlines; of a volume also which plane is shown (by default the middle slice). */
export interface RenderOptions extends ColourOptions, Plane {
  /**
   * The values of the method, in the units of `raw`, that the first and the last colour stand for, so that colours mean the same in
   * several pictures (frames of a video); what lies beyond is cut off. Default: the least and the largest of each map.
   */
  readonly range?: ValueRange | undefined;
  /** Draws boxes: true or the options of `boxes()` for those that it finds, or boxes in the original picture's pixels. */
  readonly boxes?: boolean | BoxSearch | readonly RectInput[] | undefined;
  /** Draws outlines: true or the options of `contours()` for those that it finds, or contours. */
  readonly contours?: boolean | ContourSearch | readonly MapContour[] | undefined;
}

/** Options of `toFile` and `toBuffer`. */
export interface OutputOptions extends RenderOptions, EncodeOptions {
  /** What to write: the picture under the map (`'overlay'`, default) or the map alone. */
  readonly kind?: 'overlay' | 'heatmap' | undefined;
}

const RENDER_OPTIONS = ['colormap', 'alpha', 'range', 'slice', 'axis', 'boxes', 'contours'];

/** What encoded pictures take besides. */
export const OUTPUT_OPTIONS = ['kind', 'format', 'quality'];

/**
 * @param further what it takes besides
 * @throws `ERR_OPTION_INVALID`
 */
export function checkOutput(options: OutputOptions, where: string, further: readonly string[] = []): void {
  checkObject(options, where);
  checkNames(options, [...RENDER_OPTIONS, ...further], where);
  checkOneOf('kind', options.kind, ['overlay', 'heatmap']);
  checkAlpha(options.alpha);
  if (options.range !== undefined) checkValueRange(options.range);
  const { boxes, contours } = options;
  if (Array.isArray(boxes)) for (const box of boxes) rectOf(box, 'an entry of `boxes`');
  else if (boxes !== undefined && typeof boxes !== 'boolean') checkDecision('boxes', boxes, false);
  if (Array.isArray(contours)) contours.forEach(checkContour);
  else if (contours !== undefined && typeof contours !== 'boolean') checkDecision('contours', contours, false);
}

function checkValueRange(range: unknown): void {
  const [low, high, ...more] = Array.isArray(range) ? range : [];
  if (Number.isFinite(low) && Number.isFinite(high) && low < high && more.length === 0) return;
  throw invalid(
    `\`range\` is [low, high], two finite numbers in the units of \`raw\`, the lower one first, not ${shown(range)}`,
  );
}

function checkContour(contour: unknown): void {
  const { outline, holes } = Object(contour) as Partial<MapContour>;
  const isRing = (ring: unknown) =>
    Array.isArray(ring) &&
    ring.every(point => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite));
  if (isRing(outline) && Array.isArray(holes) && holes.every(isRing)) return;
  throw invalid(`an entry of \`contours\` is { outline: [[x, y], …], holes: [[[x, y], …], …] }, not ${shown(contour)}`);
}

export function filePath(path: unknown): string {
  if (typeof path === 'string' && path !== '') return path;
  try {
    if (isUrl(path)) return fileURLToPath(path.href);
  } catch (cause) {
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `toFile takes a path or a file: URL, not ${path}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  throw new OnnxCamError('ERR_OPTION_INVALID', `toFile takes a path or a file: URL, not ${shown(path)}`);
}
