import type { Concepts, RawMap } from '../explanation.ts';
import { resize } from '../kernels/index.ts';
import type { Maps } from '../kernels/maps.ts';
import type { FeatureMaps } from '../methods/definition.ts';
import { type MethodMaps, nth } from './method-maps.ts';

/** A result's own values: before the outermost ReLU, normalisation and resizing. */
export function rawMapOf({ raw, colours, concepts }: MethodMaps, index: number): Promise<RawMap> {
  if (concepts.length > 0) return rawConcepts(colours, index);
  if (colours.length > 0) return Promise.resolve(rawColours(colours, index));
  return rawMap(raw, index);
}

/** Where concepts of several layers follow each other in `raw`, so do what is said of them. */
export function conceptsOf({ concepts, colours }: MethodMaps, index: number): Concepts | null {
  if (concepts.length === 0) return null;
  const own = concepts.map(results => results[index]!);
  const counts = colours.map(({ dims }) => dims[1]!);
  const shown = own.map((one, layer) => one.shown + counts.slice(0, layer).reduce((sum, count) => sum + count, 0));
  const linear = own.every(({ contributions }) => contributions !== null);
  return { shown, contributions: linear ? own.flatMap(({ contributions }) => contributions!) : null };
}

/** Values in colours at the input's size, of several layers their mean. */
function rawColours(layers: readonly FeatureMaps[], index: number): RawMap {
  const [, channels, height, width] = layers[0]!.dims as [number, number, number, number];
  const size = channels * height * width;
  const data = new Float32Array(size);
  for (const { data: values } of layers)
    for (let i = 0; i < size; i++) data[i]! += values[index * size + i]! / layers.length;
  return { data, dims: [channels, height, width], width, height };
}

/** One layer's concepts; of several one after the other, resized to the largest. */
async function rawConcepts(layers: readonly FeatureMaps[], index: number): Promise<RawMap> {
  const height = Math.max(...layers.map(({ dims }) => dims[2]!));
  const width = Math.max(...layers.map(({ dims }) => dims[3]!));
  const sized = await Promise.all(
    layers.map(({ data, dims: [images, count, h, w] }) => {
      const size = count! * h! * w!;
      // Several targets of one image share its concepts.
      const from = Math.min(index, images! - 1) * size;
      return resize({ data: data.subarray(from, from + size), dims: [count!, h!, w!] }, largest({ width, height }));
    }),
  );
  const count = sized.reduce((sum, { dims }) => sum + dims[0], 0);
  const data = new Float32Array(count * height * width);
  let offset = 0;
  for (const maps of sized) {
    data.set(maps.data, offset);
    offset += maps.data.length;
  }
  return { data, dims: [count, height, width], width, height };
}

/** One layer's own map; of several the mean, resized to the largest. */
async function rawMap(layers: readonly Maps[], index: number): Promise<RawMap> {
  const height = Math.max(...layers.map(({ dims }) => dims[1]));
  const width = Math.max(...layers.map(({ dims }) => dims[2]));
  if (layers.length === 1) return { data: nth(layers[0]!, index).slice(), dims: [height, width], width, height };
  const data = new Float32Array(width * height);
  for (const maps of layers) {
    const single: Maps = { data: nth(maps, index), dims: [1, maps.dims[1], maps.dims[2]] };
    const sized = await resize(single, largest({ width, height }));
    for (let i = 0; i < data.length; i++) data[i]! += sized.data[i]! / layers.length;
  }
  return { data, dims: [height, width], width, height };
}

const largest = (size: { readonly width: number; readonly height: number }) =>
  ({ ...size, interpolation: 'bilinear' }) as const;
