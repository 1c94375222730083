import { addon } from '../engine/addon.ts';
import { type Answer, steady } from './native-kernels.ts';
import type { Maps } from './types.ts';

/** Of every value v: |v|, max(v, 0) or tanh(2v). */
export type ValueChange = 'absolute' | 'positive' | 'tanh-of-double';

/** How maps of one size become one, value by value. */
export type Combination = 'mean' | 'maximum' | 'product' | 'sum';

/** Of one map; where a value isn't finite, the least and largest of the others. */
export interface MapRange {
  readonly min: number;
  readonly max: number;
  readonly finite: boolean;
}

interface MapKernels {
  changeValues(change: ValueChange, values: Float32Array, count: number): Answer<Float32Array>;
  combineMaps(combination: Combination, maps: readonly Float32Array[], size: number): Answer<Float32Array>;
  mapRanges(maps: Float32Array, count: number, positions: number): Answer<Float32Array>;
  scaleByMaximum(maps: Float32Array, count: number, positions: number): Answer<Float32Array>;
  positiveMaps(maps: Float32Array, count: number, positions: number, percentile: number): Answer<Float32Array>;
  concatenateFloats(arrays: readonly Float32Array[]): Answer<Float32Array>;
}

/** One function of every value; NaN stays NaN. */
export async function changeValues(values: Float32Array, change: ValueChange): Promise<Float32Array> {
  return addon<MapKernels>().changeValues(change, values, values.length);
}

/** Stacks of one size as one, value by value; NaN in one makes the value NaN. A single stack is given back. */
export async function combineMaps(layers: readonly Maps[], combination: Combination): Promise<Maps> {
  const [first] = layers as [Maps];
  if (layers.length === 1) return first;
  const data = await combineValues(
    layers.map(maps => maps.data),
    combination,
  );
  return { ...first, data };
}

/** Arrays of one length as one, value by value. */
export async function combineValues(arrays: readonly Float32Array[], combination: Combination): Promise<Float32Array> {
  return addon<MapKernels>().combineMaps(combination, arrays, arrays[0]!.length);
}

/** The range of every map of a stack. */
export async function mapRanges({ data, dims: [count, height, width] }: Maps): Promise<MapRange[]> {
  const ranges = await addon<MapKernels>().mapRanges(data, count, height * width);
  return Array.from({ length: count }, (_, n) => ({
    min: ranges[3 * n]!,
    max: ranges[3 * n + 1]!,
    finite: ranges[3 * n + 2] === 1,
  }));
}

/** (m − min m) / max m of m = max(M, 0); zeros where nothing is positive. A map with a NaN becomes all NaN. */
export async function scaleByMaximum(maps: Maps): Promise<Maps> {
  const [count, height, width] = maps.dims;
  return { ...maps, data: await addon<MapKernels>().scaleByMaximum(maps.data, count, height * width) };
}

/** max(M, 0), and 0 below the percentile (0 to 100) of each map's positive parts. */
export async function positiveMaps(maps: Maps, percentile = 0): Promise<Maps> {
  const [count, height, width] = maps.dims;
  return { ...maps, data: await addon<MapKernels>().positiveMaps(maps.data, count, height * width, percentile) };
}

/** Arrays one behind the other. */
export async function concatenated(arrays: readonly Float32Array[]): Promise<Float32Array> {
  return addon<MapKernels>().concatenateFloats(arrays.map(steady));
}
