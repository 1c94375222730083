import { OnnxCamError } from '../common/errors.ts';
import { checkCount } from './features.ts';
import { steady } from './native.ts';
import { finite, given, oneOf, wholeNumber } from './options.ts';
import type { Maps, NormalizeOptions, ResizeOptions } from './types.ts';
import { INTERPOLATIONS, NORMALIZE_EPSILONS, NORMALIZE_KINDS } from './types.ts';
import * as direct from './unchecked.ts';

/**
 * (M − min M) / (max M − min M + ε), each map on its own. A constant map becomes zeros, a map with a NaN all NaN.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function normalize(maps: Maps, options: NormalizeOptions): Promise<Maps> {
  const dims = checkMaps(maps);
  const kind = oneOf(given(options, 'normalize').kind, NORMALIZE_KINDS, 'kind');
  const epsilon = finite(options.epsilon ?? NORMALIZE_EPSILONS[kind], 'epsilon', 0);
  return direct.normalize({ data: steady(maps.data), dims }, epsilon, options.relu ?? false);
}

/**
 * Resizes maps (native/kernels/map/resize.hpp has the formulas). NaN spreads to the pixels that its own touches.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function resize(maps: Maps, options: ResizeOptions): Promise<Maps> {
  const dims = checkMaps(maps);
  const height = wholeNumber(given(options, 'resize').height, 'height');
  const width = wholeNumber(options.width, 'width');
  const interpolation = oneOf(options.interpolation, INTERPOLATIONS, 'interpolation');
  return direct.resize({ data: steady(maps.data), dims }, { width, height, interpolation });
}

function checkMaps(maps: Maps): Maps['dims'] {
  const { data, dims } = Object(maps) as Maps;
  if (
    !(data instanceof Float32Array) ||
    !Array.isArray(dims) ||
    dims.length !== 3 ||
    !dims.every(dim => Number.isSafeInteger(dim) && dim > 0)
  ) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `maps must be { data: Float32Array, dims: [N, h, w] } with positive dims, got dims [${dims}]`,
    );
  }
  checkCount(data, dims[0] * dims[1] * dims[2], 'maps', dims);
  return dims;
}
