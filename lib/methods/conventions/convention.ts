import type { InputSize } from '../../image/geometry.ts';
import type { Maps, NormalizeKind } from '../../kernels/types.ts';
import { NORMALIZE_EPSILONS } from '../../kernels/types.ts';
import * as direct from '../../kernels/unchecked.ts';
import { resizeVolumes } from '../../kernels/volumes.ts';
import { allReady, type MaybeLater, whenReady } from '../../maybe-later.ts';

/** Raw maps on their way to [0, 1]. */
export interface FinishInput {
  /** Raw maps [N, h, w], one stack per target layer, in the order of the network. */
  readonly layers: readonly Maps[];
  /** Size of the model's input. */
  readonly size: InputSize;
  readonly relu: boolean;
  readonly fusion: 'mean' | 'tanh-max';
  /** pytorch-grad-cam's second stretch is left out. */
  readonly stretchedOnce?: boolean;
}

/** From a method's raw maps to maps [N, h, w] in [0, 1], at layer or input resolution as the convention has it. */
export type Finish = (input: FinishInput) => MaybeLater<Maps>;

/** The largest height, width and depth among the layers. */
export function largestSize(layers: readonly Maps[]): InputSize {
  const largest = (length: (maps: Maps) => number) => layers.reduce((most, maps) => Math.max(most, length(maps)), 0);
  const width = largest(({ dims }) => dims[2]);
  const height = largest(({ dims, depth = 1 }) => dims[1] / depth);
  return layers[0]!.depth === undefined ? { width, height } : { width, height, depth: largest(maps => maps.depth!) };
}

/** Bilinear (volumes: trilinear), half-pixel. */
export function sized(maps: Maps, { width, height, depth }: InputSize): MaybeLater<Maps> {
  if (maps.depth !== undefined) return resizeVolumes(maps, { width, height, depth: depth ?? maps.depth });
  return direct.resize(maps, { width, height, interpolation: 'bilinear' });
}

/** Each map stretched to [0, 1], of max(M, 0) if `relu`. */
export function normalized(maps: Maps, kind: NormalizeKind, relu = false): MaybeLater<Maps> {
  return direct.normalize(maps, NORMALIZE_EPSILONS[kind], relu);
}

/** Combines stacks of equal size value by value. */
export function combined(layers: readonly Maps[], combine: (a: number, b: number) => number): Maps {
  const [first, ...rest] = layers as [Maps, ...Maps[]];
  const data = first.data.slice();
  for (const { data: other } of rest) for (let i = 0; i < data.length; i++) data[i] = combine(data[i]!, other[i]!);
  return { ...first, data };
}

export function mapped(maps: Maps, change: (value: number) => number): Maps {
  return { ...maps, data: maps.data.map(change) };
}

/**
 * Every layer's maps stretched to [0, 1] and, where there are several, resized (bilinear, half-pixel) to the largest; for
 * LayerCAM through tanh(2M) in between, of all layers or all but the deepest.
 */
export function stretched(
  { layers, relu, fusion }: FinishInput,
  kind: NormalizeKind,
  { deepest }: { readonly deepest: 'scaled' | 'plain' },
): MaybeLater<readonly Maps[]> {
  const shallow = deepest === 'scaled' ? layers.length : layers.length - 1;
  return whenReady(
    allReady(layers, maps => normalized(maps, kind, relu)),
    scaled => {
      if (scaled.length === 1) return scaled;
      const size = largestSize(layers);
      return allReady(scaled, (maps, i) =>
        sized(fusion === 'tanh-max' && i < shallow ? mapped(maps, value => Math.tanh(2 * value)) : maps, size),
      );
    },
  );
}
