import { joinHeads } from './attention.ts';
import type { Converter, Lowering } from './lowering.ts';
import { indicesUpTo } from './scaled-product.ts';

export interface Rotation {
  /** Cosines and sines of the tokens, [N or 1, T, D/2]. */
  readonly cos: string;
  readonly sin: string;
  /** D/2. */
  readonly half: number;
  /** Pairs are neighbours; otherwise channels of one half each. */
  readonly interleaved: boolean;
  /** Channels beyond the first D stay as they are. */
  readonly partial?: boolean;
}

/** Rotary positions of heads [N, H, T, D]: pairs (a, b) of channels become (a·cos − b·sin, a·sin + b·cos). */
export function rotate(lowering: Lowering, heads: string, rotation: Rotation): string {
  const { half, interleaved, partial = false } = rotation;
  const part = (from: number, to: number) =>
    lowering.emit('Slice', [heads, ...[from, to, 3].map(value => lowering.integers([value]))]);
  const turning = partial ? part(0, 2 * half) : heads;
  const [a, b] = interleaved ? neighbours(lowering, turning, half) : lowering.split(turning, [half, half], 3);
  const [cos, sin] = [rotation.cos, rotation.sin].map(rows => lowering.unsqueeze(rows, 1));
  const mul = (x: string | undefined, y: string | undefined) => lowering.emit('Mul', [x!, y!]);
  const real = lowering.emit('Sub', [mul(a, cos), mul(b, sin)]);
  const imaginary = lowering.emit('Add', [mul(a, sin), mul(b, cos)]);
  const turned = interleaved
    ? interleave(lowering, [real, imaginary], half)
    : lowering.emit('Concat', [real, imaginary], { axis: 3 });
  return partial ? lowering.emit('Concat', [turned, part(2 * half, END)], { axis: 3 }) : turned;
}

function neighbours(lowering: Lowering, heads: string, half: number): string[] {
  const pairs = lowering.emit('Reshape', [heads, lowering.integers([0, 0, 0, half, 2])]);
  return lowering.split(pairs, [1, 1], 4).map(each => lowering.squeeze(each, 4));
}

function interleave(lowering: Lowering, parts: readonly string[], half: number): string {
  const pairs = lowering.emit(
    'Concat',
    parts.map(each => lowering.unsqueeze(each, 4)),
    { axis: 4 },
  );
  return lowering.emit('Reshape', [pairs, lowering.integers([0, 0, 0, 2 * half])]);
}

/** Rows of a cache [positions, D/2] for tokens at positions 0, 1, … as many as `heads` [N, H, T, D] has: [1, T, D/2]. */
export function rowsInOrder(lowering: Lowering, cache: string, heads: string): string {
  return lowering.unsqueeze(lowering.emit('Gather', [cache, indicesUpTo(lowering, heads, 2)], { axis: 0 }), 0);
}

/** RotaryEmbedding(x, cos, sin, positions) of opset 23. */
export const standardRotary: Converter = (node, lowering) => {
  const [x, cos, sin, positions = ''] = node.inputs as [string, string, string];
  const heads = node.attributes.int('num_heads', 0);
  return rotateRowsOrHeads(node.outputs[0]!, lowering, {
    x,
    caches: [cos, sin],
    rows: cache => (positions ? lowering.emit('Gather', [cache, positions], { axis: 0 }) : cache),
    interleaved: node.attributes.int('interleaved', 0) !== 0,
    size: node.attributes.int('rotary_embedding_dim', 0),
    heads,
  });
};

/** com.microsoft RotaryEmbedding(x, positions, cos, sin): positions [N, T], or [1] of the first token. */
export const rotaryEmbedding: Converter = (node, lowering) => {
  const [x, positions, cos, sin] = node.inputs as [string, string, string, string];
  const { attributes } = node;
  const rank = lowering.shapes.of(positions)?.length;
  if (!sin || rank === undefined || attributes.float('scale', 1) !== 1 || attributes.int('is_packed_batching', 0) !== 0)
    return false;
  return rotateRowsOrHeads(node.outputs[0]!, lowering, {
    x,
    caches: [cos, sin],
    rows: (cache, heads) => {
      if (rank === 2) return lowering.emit('Gather', [cache, positions], { axis: 0 });
      const from = lowering.emit('Add', [indicesUpTo(lowering, heads, 2), positions]);
      return lowering.unsqueeze(lowering.emit('Gather', [cache, from], { axis: 0 }), 0);
    },
    interleaved: attributes.int('interleaved', 0) !== 0,
    size: attributes.int('rotary_embedding_dim', 0),
    heads: attributes.int('num_heads', 0),
  });
};

interface RotaryNode {
  readonly x: string;
  readonly caches: readonly [string, string];
  /** [N or 1, T, D/2] of a cache. */
  readonly rows: (cache: string, heads: string) => string;
  readonly interleaved: boolean;
  /** Channels of a head that are turned; 0 for all. */
  readonly size: number;
  /** Of rows [N, T, H·D]; 0 where all channels are turned, whose number the caches give. */
  readonly heads: number;
}

function rotateRowsOrHeads(output: string, lowering: Lowering, rotary: RotaryNode): boolean {
  const { x, caches, rows, interleaved, size, heads: count } = rotary;
  const rank = lowering.shapes.of(x)?.length;
  const half = size > 0 ? size / 2 : lowering.shapes.of(caches[0])?.at(-1);
  if ((rank !== 3 && rank !== 4) || half === undefined || (rank === 3 && size > 0 && count === 0)) return false;
  const shape = count > 0 ? [0, 0, count, -1] : [0, 0, -1, 2 * half];
  const heads =
    rank === 4
      ? x
      : lowering.emit('Transpose', [lowering.emit('Reshape', [x, lowering.integers(shape)])], {
          perm: [0, 2, 1, 3],
        });
  const [cos, sin] = caches.map(cache => rows(cache, heads)) as [string, string];
  const turned = rotate(lowering, heads, { cos, sin, half, interleaved, partial: size > 0 });
  if (rank === 3) joinHeads(lowering, turned, output);
  else lowering.emit('Identity', [turned], {}, output);
  return true;
}

const END = 2 ** 31 - 1;
