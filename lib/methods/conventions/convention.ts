import { type NormalizeKind, normalize, resize } from '../../kernels/index.ts';
import type { Maps } from '../../kernels/maps.ts';

/** Raw maps on their way to [0, 1]. */
export interface FinishInput {
  /** Raw maps [N, h, w], one stack per target layer, in the order of the network. */
  readonly layers: readonly Maps[];
  /** Size of the model's input. */
  readonly size: { readonly width: number; readonly height: number };
  readonly relu: boolean;
  readonly fusion: 'mean' | 'tanh-max';
  /** pytorch-grad-cam's second stretch is left out. */
  readonly stretchedOnce?: boolean;
}

/** From a method's raw maps to maps [N, h, w] in [0, 1], at layer or input resolution as the convention has it. */
export type Finish = (input: FinishInput) => Promise<Maps>;

/** max(0, value); NaN stays NaN so that it can be reported. */
export function rectified(maps: Maps): Maps {
  return { data: maps.data.map(value => Math.max(value, 0)), dims: maps.dims };
}

/** The largest height and the largest width among the layers. */
export function largestSize(layers: readonly Maps[]): { width: number; height: number } {
  return {
    height: Math.max(...layers.map(({ dims }) => dims[1])),
    width: Math.max(...layers.map(({ dims }) => dims[2])),
  };
}

/** Combines stacks of equal size value by value. */
export function combined(layers: readonly Maps[], combine: (a: number, b: number) => number): Maps {
  const [first, ...rest] = layers as [Maps, ...Maps[]];
  const data = first.data.slice();
  for (const { data: other } of rest) for (let i = 0; i < data.length; i++) data[i] = combine(data[i]!, other[i]!);
  return { data, dims: first.dims };
}

export function mapped(maps: Maps, change: (value: number) => number): Maps {
  return { data: maps.data.map(change), dims: maps.dims };
}

/**
 * Every layer's maps stretched to [0, 1] and, where there are several, resized (bilinear, half-pixel) to the largest; for
 * LayerCAM through tanh(2M) in between, as its paper (section III-C) and torchcam's `fuse_cams` do.
 */
export async function stretched(
  { layers, relu, fusion }: FinishInput,
  kind: NormalizeKind,
): Promise<[Maps, ...Maps[]]> {
  const scaled = await Promise.all(layers.map(maps => normalize(relu ? rectified(maps) : maps, { kind })));
  if (scaled.length === 1) return [scaled[0]!];
  const size = largestSize(layers);
  const sized = scaled.map(maps =>
    resize(fusion === 'tanh-max' ? mapped(maps, value => Math.tanh(2 * value)) : maps, {
      ...size,
      interpolation: 'bilinear',
    }),
  );
  return Promise.all(sized as [Promise<Maps>, ...Promise<Maps>[]]);
}
