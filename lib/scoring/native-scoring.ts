import { addon } from '../engine/addon.ts';
import type { CancellationHandle, SessionHandle } from '../engine/native-engine.ts';

/** The addon's perturbation loops; native/binding/scoring.cpp says what each does. */
export interface NativeScoring {
  scoreVariants(
    model: NativeModel,
    variants: NativeVariants,
    targets: NativeTargets,
    run: NativeRun,
    progress: Int32Array,
    cancellation?: CancellationHandle,
  ): Promise<{
    scores: Float64Array;
    /** Items per run at the end: fewer than asked for where that many didn't fit into memory. */
    chunk: number;
    milliseconds: number;
  }>;
  distinctMaps(
    request: {
      maps: Float32Array;
      dims: readonly number[];
      rule: NativeRule;
      merge: boolean;
      skipConstant: boolean;
    },
    cancellation?: CancellationHandle,
  ): Promise<{ first: Uint32Array; group: Int32Array; constant: Uint8Array; key: Uint32Array }>;
  writeVariants(variants: NativeVariants, out: Float32Array): Promise<void>;
  sumMasks(
    request: {
      maps: Float32Array;
      dims: readonly number[];
      canvas: readonly [number, number];
      size: readonly [number, number];
      grid: number;
      offsets: Uint32Array;
      weights: Float64Array;
    },
    cancellation?: CancellationHandle,
  ): Promise<Float32Array>;
  clipMaps(
    maps: Float32Array,
    dims: readonly number[],
    low: number,
    high: number,
    cancellation?: CancellationHandle,
  ): Promise<Float32Array>;
  blurImage(
    image: Float32Array,
    shape: readonly number[],
    channelsLast: boolean,
    radius: number,
    deviation: number,
    cancellation?: CancellationHandle,
  ): Promise<Float32Array>;
  similarChannels(
    activations: Float32Array,
    dims: readonly number[],
    quantile: number,
    select: Uint32Array,
    merge: boolean,
    cancellation?: CancellationHandle,
  ): Promise<{ sets: Uint8Array; group: Uint32Array }>;
  clusterChannels(
    activations: Float32Array,
    dims: readonly number[],
    clusters: number,
    seed: number,
    cancellation?: CancellationHandle,
  ): Promise<Uint32Array>;
}

export interface NativeModel {
  readonly session: SessionHandle;
  readonly input: string;
  readonly output: string;
  /** Dims of one variant, without the batch. */
  readonly itemDims: readonly number[];
  /** Items that every run takes; 0 for any number. */
  readonly batch: number;
  readonly fixed: readonly {
    readonly name: string;
    /** ONNX's number. */
    readonly type: number;
    readonly data: ArrayBufferView;
    readonly dims: readonly number[];
    readonly repeated: boolean;
  }[];
}

/** Mirrors `MaskRule` in native/kernels/mask/mask_batch.hpp; `stretch` is 0 none, 1 before, 2 after upsampling. */
export interface NativeRule {
  readonly stretch: number;
  readonly epsilon: number;
  readonly complement: boolean;
}

export type NativeVariants =
  | {
      readonly kind: 'masks';
      readonly maps: Float32Array;
      readonly dims: readonly number[];
      readonly select: Uint32Array;
      readonly canvas: readonly [height: number, width: number];
      /** 0 half-pixel, 1 align-corners, 2 mirror. */
      readonly grid: number;
      readonly rule: NativeRule;
      readonly image: Float32Array;
      readonly background: Float32Array | null;
      /** [C, H, W], whatever the layout. */
      readonly shape: readonly number[];
      readonly channelsLast: boolean;
      readonly scales: Float32Array;
      /** `target` is 0 none, 1 mask, 2 input. */
      readonly noise: { readonly target: number; readonly deviation: number; readonly seed: number };
      readonly noiseKeys: Uint32Array;
      /** y and x per map; empty without. */
      readonly offsets: Uint32Array;
    }
  | {
      readonly kind: 'pixels';
      /** Each one input. */
      readonly images: readonly Float32Array[];
      /** Row-major pixel numbers, of any length. */
      readonly orders: readonly Uint32Array[];
      /** Five numbers an item: image, other image, order, begin and end of the order's pixels that are the other image's. */
      readonly items: Uint32Array;
      /** [C, H, W], whatever the layout. */
      readonly shape: readonly number[];
      readonly channelsLast: boolean;
    }
  | (NativeLayer & { readonly kind: 'channels'; readonly channels: Uint32Array; readonly values: Float32Array })
  | (NativeLayer & { readonly kind: 'sets'; readonly sets: Uint8Array })
  | (NativeLayer & { readonly kind: 'positions'; readonly gaussian: boolean })
  | (NativeLayer & { readonly kind: 'neighbourhoods' });

interface NativeLayer {
  readonly activations: Float32Array;
  /** [C, h, w]. */
  readonly dims: readonly number[];
}

export interface NativeTargets {
  readonly sigmoid: boolean;
  /** `view` is 0 logit, 1 probability, 2 logProbability, 3 rest. */
  readonly targets: readonly (readonly NativeTerm[])[];
}

interface NativeTerm {
  readonly view: number;
  readonly index: number;
  readonly weight: number;
  readonly opposite: boolean;
}

export interface NativeRun {
  readonly begin: number;
  readonly end: number;
  readonly chunk: number;
  readonly parallel: number;
}

export function nativeScoring(): NativeScoring {
  return addon<NativeScoring>();
}
