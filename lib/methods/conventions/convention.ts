import type { InputSize } from '../../image/geometry.ts';
import { changeValues } from '../../kernels/map-values.ts';
import { normalize, resize } from '../../kernels/maps.ts';
import type { Maps, NormalizeKind } from '../../kernels/types.ts';
import { resizeVolumes } from '../../kernels/volumes.ts';

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
export type Finish = (input: FinishInput) => Promise<Maps>;

/** The largest height, width and depth among the layers. */
export function largestSize(layers: readonly Maps[]): InputSize {
  const largest = (length: (maps: Maps) => number) => layers.reduce((most, maps) => Math.max(most, length(maps)), 0);
  const width = largest(({ dims }) => dims[2]);
  const height = largest(({ dims, depth = 1 }) => dims[1] / depth);
  return layers[0]!.depth === undefined ? { width, height } : { width, height, depth: largest(maps => maps.depth!) };
}

/** Bilinear (volumes: trilinear), half-pixel. */
export async function sized(maps: Maps, { width, height, depth }: InputSize): Promise<Maps> {
  if (maps.depth !== undefined) return resizeVolumes(maps, { width, height, depth: depth ?? maps.depth });
  return resize(maps, { width, height, interpolation: 'bilinear' });
}

/**
 * Every layer's maps stretched to [0, 1] and, where there are several, resized (bilinear, half-pixel) to the largest; for
 * LayerCAM through tanh(2M) in between, of all layers or all but the deepest.
 */
export async function stretched(
  { layers, relu, fusion }: FinishInput,
  kind: NormalizeKind,
  { deepest }: { readonly deepest: 'scaled' | 'plain' },
): Promise<readonly Maps[]> {
  const scaled = await Promise.all(layers.map(maps => normalize(maps, { kind, relu })));
  if (scaled.length === 1) return scaled;
  const shallow = deepest === 'scaled' ? layers.length : layers.length - 1;
  const size = largestSize(layers);
  return Promise.all(
    scaled.map(async (maps, i) => {
      if (fusion !== 'tanh-max' || i >= shallow) return sized(maps, size);
      return sized({ ...maps, data: await changeValues(maps.data, 'tanh-of-double') }, size);
    }),
  );
}
