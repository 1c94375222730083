import type { Combination, MapRange, ValueChange } from '../../kernels/map-values.ts';
import type { Maps } from '../../kernels/types.ts';

const CHANGES: Readonly<Record<ValueChange, (value: number) => number>> = {
  absolute: Math.abs,
  positive: value => Math.max(value, 0),
  'tanh-of-double': value => Math.tanh(2 * value),
};

/** Twin of native/kernels/map/change_values.cpp. */
export function changeValues(values: Float32Array, change: ValueChange): Float32Array {
  return values.map(CHANGES[change]);
}

/** Twin of native/kernels/map/combine_maps.cpp. */
export function combineValues(arrays: readonly Float32Array[], combination: Combination): Float32Array {
  return arrays[0]!.map((_, i) => {
    const values = arrays.map(array => array[i]!);
    if (combination === 'maximum') return Math.max(...values);
    if (combination === 'product') return values.reduce((product, value) => product * value, 1);
    return values.reduce((sum, value) => sum + value, 0) / (combination === 'mean' ? values.length : 1);
  });
}

/** Twin of native/kernels/map/map_ranges.cpp. */
export function mapRanges(maps: Maps): MapRange[] {
  return eachMap(maps).map(map => {
    const finite = map.filter(Number.isFinite);
    return {
      min: finite.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
      max: finite.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
      finite: finite.length === map.length,
    };
  });
}

/** Twin of native/kernels/map/scale_by_maximum.cpp. */
export function scaleByMaximum(maps: Maps): Float32Array {
  const data = maps.data.map(value => Math.max(value, 0));
  for (const map of eachMap({ ...maps, data })) {
    const min = map.reduce((least, value) => Math.min(least, value));
    const max = map.reduce((most, value) => Math.max(most, value));
    map.forEach((value, i) => {
      map[i] = max === 0 ? 0 : (value - min) / max;
    });
  }
  return data;
}

/** Twin of native/kernels/mask/positive_maps.cpp. */
export function positiveMaps(maps: Maps, percentile: number): Float32Array {
  const data = maps.data.map(value => Math.max(value, 0));
  for (const map of eachMap({ ...maps, data })) {
    if (map.some(Number.isNaN)) continue;
    const sorted = map.slice().sort();
    const position = (percentile / 100) * (sorted.length - 1);
    const low = Math.floor(position);
    const threshold = sorted[low]! + (position - low) * ((sorted[low + 1] ?? sorted[low]!) - sorted[low]!);
    map.forEach((value, i) => {
      if (value < threshold) map[i] = 0;
    });
  }
  return data;
}

function eachMap({ data, dims: [count, height, width] }: Maps): Float32Array[] {
  return Array.from({ length: count }, (_, n) => data.subarray(n * height * width, (n + 1) * height * width));
}
