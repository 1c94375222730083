import { OnnxCamError } from '../common/errors.ts';
import * as direct from './unchecked.ts';
import { checkCount } from './features.ts';
import { steady } from './native.ts';
import { finite, given, oneOf, wholeNumber } from './options.ts';

/** A stack of maps, row-major [N, h, w]. */
export interface Maps {
  readonly data: Float32Array;
  readonly dims: readonly [count: number, height: number, width: number];
  /** Of volumes [N, D, h, w], which are held as [N, D·h, w]: D. */
  readonly depth?: number;
}

/** What each tool adds to max − min (methods.md §6.10). */
export const NORMALIZE_EPSILONS = { pgc: 1e-7, torchcam: 1e-8, tkv: 1e-7, openvino: 1e-12, range: 0 } as const;

export type NormalizeKind = keyof typeof NORMALIZE_EPSILONS;

const NORMALIZE_KINDS = Object.keys(NORMALIZE_EPSILONS) as NormalizeKind[];

export interface NormalizeOptions {
  /** Whose convention: pytorch-grad-cam, torchcam, tf-keras-vis, OpenVINO, or the plain range. They differ in ε only. */
  readonly kind: NormalizeKind;
  /** Instead of the convention's. */
  readonly epsilon?: number;
  /** Take max(M, 0) first. */
  readonly relu?: boolean;
}

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

const INTERPOLATIONS = ['bilinear', 'align-corners', 'bicubic', 'nearest'] as const;

export interface ResizeOptions {
  readonly width: number;
  readonly height: number;
  /**
   * `bilinear`: half-pixel centres, as cv2 and `F.interpolate(align_corners=False)`. `align-corners`: bilinear, corners on
   * corners. `bicubic`: half-pixel centres, a = −0.75 as PyTorch and cv2; may overshoot. `nearest`: half-pixel centres.
   * None is antialiased.
   */
  readonly interpolation: (typeof INTERPOLATIONS)[number];
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
