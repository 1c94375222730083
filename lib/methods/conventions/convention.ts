import type { InputSize } from '../../image/geometry.ts';
import { type Combination, changeValues, combineMaps } from '../../kernels/map-values.ts';
import { normalize, resize } from '../../kernels/maps.ts';
import type { Maps, NormalizeKind } from '../../kernels/types.ts';
import { resizeVolumes } from '../../kernels/volumes.ts';
import type { Fusion } from '../definition.ts';

/** Raw maps on their way to [0, 1]. */
export interface FinishInput {
  /** Raw maps [N, h, w], one stack per target layer, in the order of the network. */
  readonly layers: readonly Maps[];
  /** Size of the model's input. */
  readonly size: InputSize;
  readonly relu: boolean;
  /** Of several layers (default: mean). */
  readonly fusion?: Fusion;
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

const COMBINATIONS: Readonly<Record<Fusion, Combination>> = {
  mean: 'mean',
  max: 'maximum',
  'tanh-max': 'maximum',
  product: 'product',
};

/** Maps of one size, each in [0, 1], as one. */
export function combined(maps: readonly Maps[], fusion: Fusion): Promise<Maps> {
  return combineMaps(maps, COMBINATIONS[fusion]);
}

/**
 * Every layer's maps stretched to [0, 1] at its own size. For the fusion 'tanh-max' then through tanh(2M): all layers, or
 * all but the deepest, which is the last.
 */
export async function stretched(
  { layers, relu, fusion }: Pick<FinishInput, 'layers' | 'relu' | 'fusion'>,
  kind: NormalizeKind,
  { deepest }: { readonly deepest: 'scaled' | 'plain' },
): Promise<readonly Maps[]> {
  const maps = await Promise.all(layers.map(layer => normalize(layer, { kind, relu })));
  return scaledFor(fusion, maps, deepest);
}

/** Maps in [0, 1] as they are, or for 'tanh-max' tanh(2M) of them. */
async function scaledFor(
  fusion: Fusion | undefined,
  maps: readonly Maps[],
  deepest: 'scaled' | 'plain',
): Promise<readonly Maps[]> {
  if (fusion !== 'tanh-max' || maps.length === 1) return maps;
  const shallow = deepest === 'scaled' ? maps.length : maps.length - 1;
  return Promise.all(
    maps.map(async (one, i) => (i < shallow ? { ...one, data: await changeValues(one.data, 'tanh-of-double') } : one)),
  );
}

/** Layers' maps of one size, each in [0, 1], as one; the last is the deepest. */
export async function fused(layers: readonly Maps[], fusion: Fusion): Promise<Maps> {
  return combined(await scaledFor(fusion, layers, 'plain'), fusion);
}

/** Stretched maps, of several layers joined at the largest one's size. No further stretch but of a product. */
export async function joined(
  input: FinishInput,
  kind: NormalizeKind,
  deepest: Parameters<typeof stretched>[2],
): Promise<Maps> {
  const { layers, fusion = 'mean' } = input;
  const maps = await stretched(input, kind, deepest);
  if (maps.length === 1) return maps[0]!;
  const size = largestSize(layers);
  const one = await combined(await Promise.all(maps.map(layer => sized(layer, size))), fusion);
  return fusion === 'product' ? normalize(one, { kind }) : one;
}
