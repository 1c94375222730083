import { OnnxCamError } from '../common/errors.ts';
import { isFloat32Array } from '../common/kinds.ts';
import { checkCount } from './features.ts';
import { nativeKernels, steady } from './native-kernels.ts';
import { finite, given, oneOf, wholeNumber } from './options.ts';
import type { Maps, NormalizeOptions, ResizeOptions } from './types.ts';
import { INTERPOLATIONS, NORMALIZE_EPSILONS, NORMALIZE_KINDS } from './types.ts';

/**
 * (M − min M) / (max M − min M + ε), each map on its own. A constant map becomes zeros, a map with a NaN all NaN.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function normalize(maps: Maps, options: NormalizeOptions): Promise<Maps> {
  const { dims, depth } = checkMaps(maps);
  const kind = oneOf(given(options, 'normalize').kind, NORMALIZE_KINDS, 'kind');
  const epsilon = finite(options.epsilon ?? NORMALIZE_EPSILONS[kind], 'epsilon', 0);
  const [count, height, width] = dims;
  const data = await nativeKernels().normalizeMaps(
    steady(maps.data),
    count,
    height * width,
    epsilon,
    options.relu ?? false,
  );
  return { data, dims, depth };
}

/**
 * Resizes maps (native/kernels/map/resize.hpp has the formulas). NaN spreads to the pixels that its own touches.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function resize(maps: Maps, options: ResizeOptions): Promise<Maps> {
  const [count, rows, columns] = checkMaps(maps).dims;
  const height = wholeNumber(given(options, 'resize').height, 'height');
  const width = wholeNumber(options.width, 'width');
  const interpolation = oneOf(options.interpolation, INTERPOLATIONS, 'interpolation');
  const data = await nativeKernels().resizeMaps(steady(maps.data), count, rows, columns, height, width, interpolation);
  return { data, dims: [count, height, width] };
}

function checkMaps(maps: Maps): Maps {
  const { data, dims } = Object(maps) as Maps;
  if (
    !isFloat32Array(data) ||
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
  return maps;
}
