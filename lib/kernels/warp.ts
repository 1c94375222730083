import { OnnxCamError } from '../common/errors.ts';
import { addon } from '../engine/addon.ts';
import { withSignal } from '../engine/cancellation.ts';
import type { CancellationHandle } from '../engine/native-engine.ts';
import { type Answer, steady } from './native-kernels.ts';

interface WarpKernel {
  warp(
    images: Float32Array,
    count: number,
    planes: number,
    height: number,
    width: number,
    inner: number,
    mappings: Float64Array,
    mappingCount: number,
    fill: Float32Array | null,
    cancellation?: CancellationHandle,
  ): Answer<Float32Array>;
}

/**
 * Where sample (x, y) of a warped picture lies in the original: (m₀·x + m₁·y + m₂, m₃·x + m₄·y + m₅); samples are at whole
 * numbers.
 */
export type Mapping = readonly [number, number, number, number, number, number];

/** One picture: planes [H, W] one behind the other (C, C · D, 1 of a map), or `inner` channels per pixel: [planes, H, W, C]. */
export interface WarpShape {
  readonly planes: number;
  readonly height: number;
  readonly width: number;
  /** Default 1. */
  readonly inner?: number | undefined;
}

export interface WarpOptions {
  /** What lies outside the picture, [planes · inner]; default 0. */
  readonly fill?: Float32Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Turned about its centre by so many radians, counter-clockwise on a screen. */
export function rotation(
  angle: number,
  { height, width }: { readonly height: number; readonly width: number },
): Mapping {
  const [cos, sin, x, y] = [Math.cos(angle), Math.sin(angle), (width - 1) / 2, (height - 1) / 2];
  return [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y];
}

/** Moved by so many pixels to the right and down. */
export const translation = (x: number, y: number): Mapping => [1, 0, -x, 0, 1, -y];

/**
 * Pictures or maps under one affine mapping each, bilinear: [n, planes, H, W, inner]. One picture is warped by all mappings,
 * otherwise there are as many as mappings. The data must not change until the promise settles.
 * @throws `ERR_INPUT_SHAPE` when data, shape, mappings and fill do not fit together; `ERR_OPTION_INVALID` for a mapping that
 *   isn't finite; `ERR_ABORTED`
 */
export async function warp(
  images: Float32Array,
  { planes, height, width, inner = 1 }: WarpShape,
  mappings: readonly Mapping[],
  { fill, signal }: WarpOptions = {},
): Promise<Float32Array> {
  const count = images.length === mappings.length * planes * height * width * inner ? mappings.length : 1;
  return withSignal(signal, cancellation =>
    addon<WarpKernel>().warp(
      steady(images),
      count,
      planes,
      height,
      width,
      inner,
      mappingNumbers(mappings),
      mappings.length,
      fill ? steady(fill) : null,
      cancellation,
    ),
  );
}

/** Six numbers a mapping. @throws `ERR_OPTION_INVALID` */
export function mappingNumbers(mappings: readonly Mapping[]): Float64Array {
  if (mappings.some(mapping => mapping.length !== 6 || !mapping.every(Number.isFinite))) {
    throw new OnnxCamError('ERR_OPTION_INVALID', 'a mapping must be six finite numbers');
  }
  return Float64Array.from(mappings.flat());
}
