import { OnnxCamError } from '../common/errors.ts';
import { addon } from '../engine/addon.ts';
import { isResizable } from '../engine/buffers.ts';
import type { CancellationHandle } from '../engine/native-engine.ts';

/** The gradients' part of an argument list: data, number of images (1 or all), one value per channel only. */
type Factors = readonly [data: Float32Array, images: number, lazy: boolean];
type Shape = readonly [images: number, channels: number, positions: number];
type Features = readonly [data: Float32Array, images: number];
type AxisNumbers = readonly [scale: number, offset: number, begin: number, end: number];
type Triple = readonly [number, number, number];

/** Work of a few microseconds is done at once, everything else by the pool. */
export type Answer<T> = T | Promise<T>;

/**
 * What native/binding/kernels_*.cpp export. Any kernel takes a cancellation as its last argument; those that may take long
 * are given one.
 */
export interface NativeKernels {
  channelMeans(data: Float32Array, ...shape: Shape): Answer<Float32Array>;
  channelSum(
    term: 'product' | 'positive-product' | 'positive-gradient',
    ...rest: [...Shape, ...Features, ...Factors]
  ): Answer<Float32Array>;
  gradCamPlusPlusWeights(
    mode: 'paper' | 'pgc' | 'torchcam',
    ...rest: [...Shape, ...Features, ...Factors]
  ): Answer<Float32Array>;
  xgradCamWeights(epsilon: number, guard: boolean, ...rest: [...Shape, ...Features, ...Factors]): Answer<Float32Array>;
  femWeights(k: number, activations: Float32Array, ...shape: Shape): Answer<Float32Array>;
  logSumExp(logits: Float32Array, count: number): number;
  principalComponent(
    centre: boolean,
    sign: 'largest' | 'activation',
    ...rest: [...Shape, ...Features, ...(Factors | readonly [null, number, boolean]), cancellation?: CancellationHandle]
  ): Answer<Float32Array>;
  factorize(
    shift: boolean,
    components: number,
    start: Float32Array,
    activations: Float32Array,
    ...rest: [...Shape, cancellation?: CancellationHandle]
  ): Answer<Float32Array>;
  kernelPca(
    kernel: string,
    gamma: number,
    activations: Float32Array,
    ...rest: [...Shape, cancellation?: CancellationHandle]
  ): Answer<Float32Array>;
  normalizeMaps(
    maps: Float32Array,
    count: number,
    positions: number,
    epsilon: number,
    relu: boolean,
  ): Answer<Float32Array>;
  resizeMaps(
    maps: Float32Array,
    count: number,
    height: number,
    width: number,
    toHeight: number,
    toWidth: number,
    interpolation: string,
  ): Answer<Float32Array>;
  placeMaps(
    maps: Float32Array,
    count: number,
    height: number,
    width: number,
    toHeight: number,
    toWidth: number,
    ...rest: [...y: AxisNumbers, ...x: AxisNumbers]
  ): Answer<Float32Array>;
  imageToTensor(
    pixels: Uint8Array | Float32Array | Float64Array,
    count: number,
    channels: number,
    scale: number,
    ...rest: [...mean: Triple, ...std: Triple, reversed: boolean, planar: boolean, out: Float32Array | null]
  ): Answer<Float32Array>;
  resampleImage(
    pixels: Uint8Array | Float32Array | Float64Array,
    width: number,
    height: number,
    channels: number,
    toWidth: number,
    toHeight: number,
    x: number,
    y: number,
    windowWidth: number,
    windowHeight: number,
    filter: string,
    asFloat: boolean,
    out: Float32Array | Uint8Array | null,
    cancellation?: CancellationHandle,
  ): Answer<Float32Array | Float64Array | Uint8Array>;
  colorizeMap(map: Float32Array, count: number, table: Uint8Array): Answer<Uint8Array>;
  overlayMap(
    picture: Uint8Array,
    map: Float32Array,
    count: number,
    table: Uint8Array,
    alpha: number,
    out: Uint8Array | null,
  ): Answer<Uint8Array>;
  kernelTier(): string;
  kernelTiers(): string[];
  setKernelTier(tier: string): boolean;
  kernelThreads(): number;
  setKernelThreads(count: number): void;
}

export const nativeKernels = (): NativeKernels => addon<NativeKernels>();

/**
 * The array itself, or a copy where its memory could shrink while a pool thread reads it. Buffers that are transferred
 * away in the meantime cannot be guarded against: inputs must be left alone until the promise settles.
 */
export function steady<T extends Float32Array | Float64Array | Uint8Array | Uint32Array>(array: T): T {
  return isResizable(array) ? (array.slice() as T) : array;
}

/**
 * An array to write results into.
 * @throws `ERR_OPTION_INVALID` for one whose memory could shrink meanwhile
 */
export function fixed<T extends Float32Array | Uint8Array>(array: T): T {
  if (!isResizable(array)) return array;
  throw new OnnxCamError('ERR_OPTION_INVALID', 'results cannot be written into a buffer that can be resized');
}
