import { type AttentionRoll, type HeadMatrices, rollAttention } from '../../kernels/attention.ts';
import type { FeatureMaps } from '../../kernels/features.ts';
import type { Maps } from '../../kernels/types.ts';
import type { LayerTensors, ParamValues } from '../definition.ts';

/**
 * Attention of several blocks multiplied up, of which only what the class token gathers is needed: a row vector is taken
 * from the last block back to the first, so that no product of two matrices [tokens, tokens] is ever made.
 */

/**
 * Row of the class token (the mean of all rows where there is none, or the head doesn't read it) of the product over blocks, at the patches.
 * @param layers attention [N, heads, tokens, tokens] of the blocks, in the order of the network
 * @returns maps [count, h, w]
 */
export async function rolledMaps(layers: readonly LayerTensors[], count: number, roll: AttentionRoll): Promise<Maps> {
  const { grid, prefix } = tokensOf(layers[0]!);
  const [height, width] = grid;
  const data = new Float32Array(count * height * width);
  for (let n = 0; n < count; n++) {
    const tokens = layers[0]!.activations.dims[3]!;
    let row = firstRow(tokens, classRow(layers[0]!));
    for (const layer of layers.toReversed()) row = await rollAttention(row, matricesOf(layer, n), roll);
    data.set(row.subarray(prefix, prefix + height * width), n * height * width);
  }
  return { data, dims: [count, height, width] };
}

/** The layers from `startLayer` on, at least the last. */
export function fromStart<T>(layers: readonly T[], { startLayer }: ParamValues): readonly T[] {
  return layers.slice(Math.min(startLayer as number, layers.length - 1));
}

export function tokensOf({ tokens }: Pick<LayerTensors, 'tokens'>): NonNullable<LayerTensors['tokens']> {
  if (!tokens) throw new TypeError('attention without the place of its tokens');
  return tokens;
}

/** The matrices of result `n`; one image may have several results. */
function matricesOf({ activations, gradients }: LayerTensors, n: number): HeadMatrices {
  const [, heads, tokens] = activations.dims as [number, number, number];
  return { heads, tokens, attention: nth(activations, n), gradients: gradients && nth(gradients, n) };
}

/** What belongs to result `n`. */
export function nth({ data, dims }: FeatureMaps, n: number): Float32Array {
  const size = data.length / dims[0]!;
  const own = n % dims[0]!;
  return data.subarray(own * size, (own + 1) * size);
}

/** Whether what the class token gathers is asked for; else the mean over all tokens. */
export function classRow(layer: Pick<LayerTensors, 'tokens' | 'reader'>): boolean {
  return tokensOf(layer).prefix > 0 && layer.reader !== 'mean';
}

function firstRow(tokens: number, first: boolean): Float64Array {
  const row = new Float64Array(tokens);
  if (first) row[0] = 1;
  else row.fill(1 / tokens);
  return row;
}
