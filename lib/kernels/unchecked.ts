/**
 * The kernels that every map goes through, for tensors that the library made itself: nothing is checked but what the
 * addon checks (that arrays hold what their dimensions call for), and small work is done at once. The functions of
 * index.ts do the same for anybody's tensors. Imported as a whole: `direct.channelSum(…)`.
 */
import { DeviceTensor } from '../engine/device-tensor.ts';
import { type MaybeLater, whenReady } from '../maybe-later.ts';
import type { FeatureMaps, FeaturePair } from './features.ts';
import { native } from './native.ts';
import { meansOf, sumOf, type Term } from './reductions.ts';
import type { AxisPlacement, Maps, ResizeOptions } from './types.ts';

/** Mean over positions of every channel of [N, C, h, w]: [N·C]; of single positions, as behind a global average, a view. */
export function channelMeans(features: FeatureMaps): MaybeLater<Float32Array> {
  const [images, channels, height, width] = features.dims as [number, number, number, number];
  if (height * width === 1 && !(features instanceof DeviceTensor)) return features.data;
  return meansOf(features, images, channels, height * width);
}

/**
 * M[n] = Σ_k of the product of F[n,k] and A[n,k] that `term` names.
 * @param activations [N, C, h, w]
 * @param factors F [N, C, h, w], lazy [N, C, 1, 1], or channel weights [N·C]; N may be 1 on either side
 */
export function channelSum(
  term: Term,
  activations: FeatureMaps,
  factors: FeatureMaps | Float32Array,
): MaybeLater<Maps> {
  const [activationImages, channels, height, width] = activations.dims as [number, number, number, number];
  const weights = factors instanceof Float32Array;
  const factorImages = weights ? factors.length / channels : factors.dims[0]!;
  const images = Math.max(activationImages, factorImages);
  const pair: FeaturePair = {
    shape: { images, channels, positions: height * width, height, width },
    activationImages,
    factorImages,
    lazy: weights || (factors.dims[2] === 1 && factors.dims[3] === 1),
  };
  return sumOf(term, activations, weights ? { data: factors, dims: [] } : factors, pair);
}

/** log Σ exp z of a row of logits, in double precision; NaN where one is NaN or the largest is infinite. */
export function logSumExp(logits: Float32Array): number {
  return native().logSumExp(logits, logits.length);
}

/** (M − min M) / (max M − min M + ε) of each map, of max(M, 0) if `relu`. */
export function normalize(maps: Maps, epsilon: number, relu: boolean): MaybeLater<Maps> {
  const [count, height, width] = maps.dims;
  const data = native().normalizeMaps(maps.data, count, height * width, epsilon, relu);
  return whenReady(data, values => ({ data: values, dims: maps.dims, depth: maps.depth }));
}

/**
 * One image's sum over channels, stretched to [0, 1] and placed on a grid: `channelSum`, `normalize` and `placeMaps` in one
 * call, to the same values.
 * @param activations [1, C, h, w]
 * @param factors [1, C, h, w], lazy [1, C, 1, 1], or channel weights [C]
 */
export function placedSum(
  term: Term,
  { data, dims }: FeatureMaps,
  factors: FeatureMaps | Float32Array,
  { epsilon, relu }: { readonly epsilon: number; readonly relu: boolean },
  { x, y }: { readonly x: AxisPlacement; readonly y: AxisPlacement },
): MaybeLater<{ readonly raw: Maps; readonly placed: Maps }> {
  const [, channels, height, width] = dims as [number, number, number, number];
  const weights = factors instanceof Float32Array;
  const raw: Maps = { data: new Float32Array(height * width), dims: [1, height, width] };
  const placed = native().placedSum(
    term,
    channels,
    height,
    width,
    data,
    weights ? factors : factors.data,
    weights || (factors.dims[2] === 1 && factors.dims[3] === 1),
    epsilon,
    relu,
    y.length,
    x.length,
    y.scale,
    y.offset,
    y.begin,
    y.end,
    x.scale,
    x.offset,
    x.begin,
    x.end,
    raw.data,
  );
  return whenReady(placed, values => ({ raw, placed: { data: values, dims: [1, y.length, x.length] } }));
}

/** Maps at another size. */
export function resize(maps: Maps, { width, height, interpolation }: ResizeOptions): MaybeLater<Maps> {
  const [count, rows, columns] = maps.dims;
  const data = native().resizeMaps(maps.data, count, rows, columns, height, width, interpolation);
  return whenReady(data, values => ({ data: values, dims: [count, height, width] }));
}

/** Maps sampled on a grid that lies anywhere over them. */
export function placeMaps(maps: Maps, x: AxisPlacement, y: AxisPlacement): MaybeLater<Maps> {
  const [count, height, width] = maps.dims;
  const data = native().placeMaps(
    maps.data,
    count,
    height,
    width,
    y.length,
    x.length,
    y.scale,
    y.offset,
    y.begin,
    y.end,
    x.scale,
    x.offset,
    x.begin,
    x.end,
  );
  return whenReady(data, values => ({ data: values, dims: [count, y.length, x.length] }));
}
