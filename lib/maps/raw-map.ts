import type { InputSize } from '../image/geometry.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { Maps } from '../kernels/types.ts';
import { allReady, eachInTurn, type MaybeLater, whenReady } from '../maybe-later.ts';
import { largestSize, sized } from '../methods/conventions/convention.ts';
import type { Concepts, RawMap } from '../result/explanation.ts';
import { type MethodMaps, nth } from './method-maps.ts';

/** A result's own values: before the outermost ReLU, normalisation and resizing. */
export function rawMapOf({ raw, placed, colours, concepts }: MethodMaps, index: number): MaybeLater<RawMap> {
  if (concepts.length > 0) return rawConcepts(colours, index);
  if (colours.length > 0) return rawColours(colours, index);
  // Made for this result alone.
  if (placed) return onlyRawMap(raw[0]!);
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
function rawConcepts(layers: readonly FeatureMaps[], index: number): MaybeLater<RawMap> {
  const own = layers.map(({ data, dims: [images, count, rows, columns], depth }): Maps => {
    const size = count! * rows! * columns!;
    // Several targets of one image share its concepts.
    const from = Math.min(index, images! - 1) * size;
    return { data: data.subarray(from, from + size), dims: [count!, rows!, columns!], depth };
  });
  const size = largestSize(own);
  return whenReady(
    allReady(own, maps => sized(maps, size)),
    resized => {
      const count = resized.reduce((sum, { dims }) => sum + dims[0], 0);
      const data = new Float32Array(resized.reduce((sum, maps) => sum + maps.data.length, 0));
      let offset = 0;
      for (const maps of resized) {
        data.set(maps.data, offset);
        offset += maps.data.length;
      }
      return { data, dims: [count, ...positionsOf(size)], width: size.width, height: size.height };
    },
  );
}

function onlyRawMap({ data, dims: [, height, width] }: Maps): RawMap {
  return { data, dims: [height, width], width, height };
}

/** One layer's own map; of several the mean, resized to the largest. */
function rawMap(layers: readonly Maps[], index: number): MaybeLater<RawMap> {
  const size = largestSize(layers);
  const { width, height } = size;
  const dims = positionsOf(size);
  if (layers.length === 1) return { data: nth(layers[0]!, index).slice(), dims, width, height };
  const data = new Float32Array(dims.reduce((product, length) => product * length, 1));
  const added = eachInTurn(layers, maps => {
    const [, rows, columns] = maps.dims;
    return whenReady(sized({ ...maps, data: nth(maps, index), dims: [1, rows, columns] }, size), own => {
      for (let i = 0; i < data.length; i++) data[i]! += own.data[i]! / layers.length;
    });
  });
  return whenReady(added, () => ({ data, dims, width, height }));
}

function positionsOf({ depth, height, width }: InputSize): number[] {
  return depth === undefined ? [height, width] : [depth, height, width];
}
