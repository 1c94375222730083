import type { InputSize } from '../image/geometry.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { combineMaps, combineValues } from '../kernels/map-values.ts';
import type { Maps } from '../kernels/types.ts';
import { largestSize, sized } from '../methods/conventions/convention.ts';
import type { Concepts, RawMap } from '../result/explanation-fields.ts';
import type { RawMaps } from './apply-method.ts';
import { nth } from './unstretched.ts';

/** A result's own values: before the outermost ReLU, normalisation and resizing. */
export async function rawMapOf({ raw, colours, concepts }: RawMaps, index: number): Promise<RawMap> {
  if (concepts.length > 0) return rawConcepts(colours, index);
  if (colours.length > 0) return rawColours(colours, index);
  return rawMap(raw, index);
}

/** Where concepts of several layers follow each other in `raw`, so do what is said of them. */
export function conceptsOf({ concepts, colours }: RawMaps, index: number): Concepts | null {
  if (concepts.length === 0) return null;
  const own = concepts.map(results => results[index]!);
  const counts = colours.map(({ dims }) => dims[1]!);
  const shown = own.map((one, layer) => one.shown + counts.slice(0, layer).reduce((sum, count) => sum + count, 0));
  const linear = own.every(({ contributions }) => contributions !== null);
  return { shown, contributions: linear ? own.flatMap(({ contributions }) => contributions!) : null };
}

/** Values in colours at the input's size, of several layers their mean. */
async function rawColours(layers: readonly FeatureMaps[], index: number): Promise<RawMap> {
  const [, channels, height, width] = layers[0]!.dims as [number, number, number, number];
  const size = channels * height * width;
  const own = layers.map(({ data: values }) => values.subarray(index * size, (index + 1) * size));
  const data = await combineValues(own, 'mean');
  return { data, dims: [channels, height, width], width, height };
}

/** One layer's concepts; of several one after the other, resized to the largest. */
async function rawConcepts(layers: readonly FeatureMaps[], index: number): Promise<RawMap> {
  const own = layers.map(({ data, dims: [images, count, rows, columns], depth }): Maps => {
    const size = count! * rows! * columns!;
    // Several targets of one image share its concepts.
    const from = Math.min(index, images! - 1) * size;
    return { data: data.subarray(from, from + size), dims: [count!, rows!, columns!], depth };
  });
  const size = largestSize(own);
  const resized = await Promise.all(own.map(maps => sized(maps, size)));
  const count = resized.reduce((sum, { dims }) => sum + dims[0], 0);
  const data = new Float32Array(resized.reduce((sum, maps) => sum + maps.data.length, 0));
  let offset = 0;
  for (const maps of resized) {
    data.set(maps.data, offset);
    offset += maps.data.length;
  }
  return { data, dims: [count, ...positionsOf(size)], width: size.width, height: size.height };
}

/** One layer's own map; of several the mean, resized to the largest. */
async function rawMap(layers: readonly Maps[], index: number): Promise<RawMap> {
  const size = largestSize(layers);
  const { width, height } = size;
  const dims = positionsOf(size);
  if (layers.length === 1) return { data: nth(layers[0]!, index).slice(), dims, width, height };
  const own = layers.map(maps => {
    const [, rows, columns] = maps.dims;
    return sized({ ...maps, data: nth(maps, index), dims: [1, rows, columns] }, size);
  });
  const { data } = await combineMaps(await Promise.all(own), 'mean');
  return { data, dims, width, height };
}

function positionsOf({ depth, height, width }: InputSize): number[] {
  return depth === undefined ? [height, width] : [depth, height, width];
}
