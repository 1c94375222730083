import { types } from 'node:util';
import { checkNames, checkObject, checkOneOf, invalid, isRecord } from './common/checks.ts';
import { OnnxCamError } from './common/errors.ts';
import { pearsonSteps } from './common/pearson.ts';
import { shown } from './common/shown.ts';
import { inSlices, inSteps } from './common/slices.ts';
import { elementCount } from './engine/tensor.ts';
import type { Maps } from './kernels/types.ts';
import { sized } from './methods/conventions/convention.ts';
import { spearman } from './metrics/support/spearman.ts';
import type { Explanation } from './result/explanation.ts';
import type { HeatMap, RawMap } from './result/explanation-fields.ts';
import { isExplanation } from './result/is-explanation.ts';

/** A map from anywhere: an explanation, whose `map` is meant, or row-major values; of volumes with `dims` [D, H, W]. */
export type ComparedMap = Explanation | Pick<HeatMap, 'data' | 'width' | 'height'> | HeatMap | RawMap;

/** Options of `correlation`. */
export interface CorrelationOptions {
  /** Of the values (`'pearson'`, default), or of their ranks, equal ones sharing the mean of theirs (`'spearman'`). */
  readonly kind?: 'pearson' | 'spearman' | undefined;
}

const KINDS = ['pearson', 'spearman'];

/**
 * How alike two maps of the same picture are: the correlation of their values, position by position. Of different sizes, the one with
 * fewer positions is brought to the size of the other (bilinear, half-pixel), as metrics do with the map of a layer: both have
 * to lie over the same thing, the picture or the model's input.
 * @returns −1 to 1; null where one of the two is the same everywhere or not finite, as metrics have no value then
 * @throws `ERR_OPTION_INVALID` for what is no map, or no such kind; `ERR_INPUT_SHAPE` for a map and a volume
 */
export async function correlation(
  a: ComparedMap,
  b: ComparedMap,
  options: CorrelationOptions = {},
): Promise<number | null> {
  checkObject(options, 'correlation');
  checkNames(options, ['kind'], 'correlation');
  checkOneOf('kind', options.kind, KINDS);
  const [first, second] = await ofOneSize(mapsOf(a), mapsOf(b));
  if (!(await allFinite(first)) || !(await allFinite(second))) return null;
  return options.kind === 'spearman' ? spearman(first, second) : inSteps(pearsonSteps(first, second));
}

function mapsOf(given: unknown): Maps {
  const map: unknown = isExplanation(given) ? given.map : given;
  const { data, width, height, dims = [height, width] } = isRecord(map) ? map : {};
  const isSide = (side: unknown) => Number.isInteger(side) && (side as number) > 0;
  const sides = Array.isArray(dims) && [2, 3].includes(dims.length) ? dims : [0];
  const fits = sides.every(isSide) && width === sides.at(-1) && height === sides.at(-2);
  if (!types.isFloat32Array(data) || !fits || elementCount(sides) !== data.length)
    throw invalid(
      'correlation takes two maps: an Explanation, or { data: Float32Array, width, height } with width · height values ' +
        `(of a volume with dims: [D, H, W]), not ${shown(given)}`,
    );
  const [depth, rows, columns] = sides.length === 3 ? sides : [undefined, ...sides];
  return { data, dims: [1, (depth ?? 1) * rows, columns], ...(depth !== undefined && { depth }) };
}

async function ofOneSize(a: Maps, b: Maps): Promise<readonly [Float32Array, Float32Array]> {
  if ((a.depth === undefined) !== (b.depth === undefined))
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      'one of the maps is a volume and the other is not; compare one plane of it',
    );
  if (a.dims[1] === b.dims[1] && a.dims[2] === b.dims[2] && a.depth === b.depth) return [a.data, b.data];
  const to = ({ dims: [, rows, width], depth }: Maps) =>
    depth === undefined ? { width, height: rows } : { width, height: rows / depth, depth };
  if (a.data.length < b.data.length) return [(await sized(a, to(b))).data, b.data];
  return [a.data, (await sized(b, to(a))).data];
}

async function allFinite(data: Float32Array): Promise<boolean> {
  let finite = true;
  await inSlices(data.length, (begin, end) => {
    for (let i = begin; finite && i < end; i++) finite = Number.isFinite(data[i]);
  });
  return finite;
}
