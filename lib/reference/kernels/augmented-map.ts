import type { AugmentedMapOptions } from '../../kernels/augmented-map.ts';
import type { Maps } from '../../kernels/types.ts';
import type { Mapping } from '../../kernels/warp.ts';
import { samplesAt } from './warp.ts';

interface Size {
  readonly height: number;
  readonly width: number;
}

/** What each pixel of a small map [h, w] sees of the large one under mappings: its pixels and their weights. */
export function observationRows(mappings: readonly Mapping[], observed: Size, size: Size): Map<number, number>[] {
  const stretch = (i: number, from: number, to: number) =>
    Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
  return Array.from({ length: observed.height * observed.width }, (_, pixel) => {
    const x = stretch(pixel % observed.width, size.width, observed.width);
    const y = stretch(Math.floor(pixel / observed.width), size.height, observed.height);
    let row = new Map([[0, 1]]);
    for (const mapping of [[1, 0, x, 0, 1, y] as const, ...mappings.toReversed()]) {
      const next = new Map<number, number>();
      for (const [at, factor] of row) {
        for (const sample of samplesAt(mapping, at % size.width, Math.floor(at / size.width), size)) {
          const to = sample.y * size.width + sample.x;
          next.set(to, (next.get(to) ?? 0) + factor * sample.weight);
        }
      }
      row = next;
    }
    return row;
  });
}

/** What native/kernels/map/augmented_map.hpp minimises: its value and derivative at a map [H, W]. */
export class AugmentedObjective {
  readonly #rows: readonly Map<number, number>[];
  readonly #observed: Float32Array;
  readonly #options: AugmentedMapOptions;

  constructor(maps: Maps, options: AugmentedMapOptions) {
    const observed = { height: maps.dims[1], width: maps.dims[2] };
    this.#rows = options.mappings.flatMap(mappings => observationRows(mappings, observed, options));
    this.#observed = maps.data;
    this.#options = options;
  }

  value(map: Float64Array): number {
    const { totalVariation, energy } = this.#options;
    const fit = this.#rests(map).reduce((sum, rest) => sum + rest * rest, 0);
    const variation = this.#neighbours().reduce((sum, [a, b]) => sum + Math.abs(map[b]! - map[a]!), 0);
    return fit + totalVariation * variation + energy * map.reduce((sum, value) => sum + value * value, 0);
  }

  gradient(map: Float64Array): Float64Array {
    const { totalVariation, energy } = this.#options;
    const signs = new Float64Array(map.length);
    for (const [a, b] of this.#neighbours()) {
      const sign = Math.sign(map[b]! - map[a]!);
      signs[a]! -= sign;
      signs[b]! += sign;
    }
    const fit = new Float64Array(map.length);
    for (const [i, rest] of this.#rests(map).entries()) {
      for (const [at, weight] of this.#rows[i]!) fit[at]! += weight * rest;
    }
    return map.map((value, i) => 2 * fit[i]! + totalVariation * signs[i]! + 2 * energy * value);
  }

  #rests(map: Float64Array): number[] {
    return this.#rows.map((row, i) => {
      let sum = 0;
      for (const [at, weight] of row) sum += weight * map[at]!;
      return sum - this.#observed[i]!;
    });
  }

  #neighbours(): (readonly [number, number])[] {
    const { height, width } = this.#options;
    const pixels = Array.from({ length: height * width }, (_, i) => i);
    return [
      ...pixels.filter(i => (i + 1) % width !== 0).map(i => [i, i + 1] as const),
      ...pixels.slice(0, (height - 1) * width).map(i => [i, i + width] as const),
    ];
  }
}

/** Plain twin of native/kernels/map/augmented_map.cpp. */
export function augmentedMap(maps: Maps, options: AugmentedMapOptions): Maps {
  const { height, width, iterations, rate = 0.001 } = options;
  const objective = new AugmentedObjective(maps, options);
  const [map, first, second] = [0, 1, 2].map(() => new Float64Array(height * width)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let step = 1; step <= iterations; step++) {
    for (const [i, g] of objective.gradient(map).entries()) {
      first[i]! += (1 - 0.9) * (g - first[i]!);
      second[i] = 0.999 * second[i]! + (1 - 0.999) * g * g;
      const size = Math.sqrt(second[i]!) / Math.sqrt(1 - 0.999 ** step) + 1e-8;
      map[i]! -= ((rate / (1 - 0.9 ** step)) * first[i]!) / size;
    }
  }
  return { data: Float32Array.from(map), dims: [1, height, width] };
}
