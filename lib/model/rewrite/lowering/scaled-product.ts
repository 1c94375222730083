import type { Lowering } from './lowering.ts';

/** What an attention operator computes, in every head. */
export interface ScaledProduct {
  /** [N, H, queries, D]. */
  readonly queries: string;
  /** [N, H, D, keys]. */
  readonly keysTransposed: string;
  /** [N, H, keys, D′]. */
  readonly values: string;
  /** A scalar. */
  readonly scale: string;
  /** s → c·tanh(s/c); 0 for none. */
  readonly softcap?: number;
  /** Added to the scores: they broadcast to [N, H, queries, keys]. */
  readonly biases: readonly string[];
  /** Softmax in float32 of a model in half precision. */
  readonly wide?: boolean;
  /** Name of the node that is taken apart. */
  readonly name: string;
  /** Name of the result. */
  readonly output?: string;
}

/** The tensors on the way, scores [N, H, queries, keys]. */
export interface ScaledProductTensors {
  readonly scores: string;
  readonly capped: string;
  readonly biased: string;
  readonly probabilities: string;
  /** [N, H, queries, D′]. */
  readonly mixed: string;
}

/** softmax(cap(q·scale·kᵀ) + biases)·v: a MatMul, a Softmax and a MatMul, as exporters write attention without the operator. */
export function scaledProduct(lowering: Lowering, parts: ScaledProduct): ScaledProductTensors {
  const { queries, keysTransposed, values, scale, softcap = 0, biases, wide = false, name, output } = parts;
  const scores = lowering.emit('MatMul', [lowering.emit('Mul', [queries, scale]), keysTransposed]);
  const capped = softcap === 0 ? scores : cappedBy(lowering, scores, softcap);
  const biased = biases.reduce((sum, bias) => lowering.emit('Add', [sum, bias]), capped);
  const logits = wide ? lowering.emit('Cast', [biased], { to: FLOAT }) : biased;
  const softmax = lowering.emit('Softmax', [logits], { axis: lowering.opset < 13 ? 3 : -1 }, undefined, name);
  const probabilities = wide ? lowering.toFloat(softmax) : softmax;
  return { scores, capped, biased, probabilities, mixed: lowering.emit('MatMul', [probabilities, values], {}, output) };
}

function cappedBy(lowering: Lowering, scores: string, cap: number): string {
  const limit = lowering.float(cap);
  return lowering.emit('Mul', [lowering.emit('Tanh', [lowering.emit('Div', [scores, limit])]), limit]);
}

/** 1/√D of a tensor with D on its last axis, or with `heads`·D. */
export function inverseRoot(lowering: Lowering, tensor: string, heads = 1): string {
  const size = lowering.shapes.of(tensor)?.at(-1);
  if (size !== undefined) return lowering.float(1 / Math.sqrt(size / heads));
  const length = lowering.toFloat(lowering.sizeOf(tensor, -1));
  const each = heads === 1 ? length : lowering.emit('Div', [length, lowering.float(heads)]);
  return lowering.emit('Reciprocal', [lowering.emit('Sqrt', [each])]);
}

/** 0 where a condition holds, elsewhere so little that nothing is left of a probability. */
export function biasWhere(lowering: Lowering, condition: string, otherwise = lowering.lowest): string {
  return lowering.emit('Where', [condition, lowering.float(0), lowering.float(otherwise)]);
}

/**
 * Bias [queries, keys] that lets query i see keys j ≤ i + `before`, and with a window only the last ones of them.
 * @param queries tensor with the number of queries on its last axis but one
 * @param keysTransposed tensor with the number of keys on its last axis
 * @param before keys of a cache: the number of keys is that of the queries plus these; '' for none. Broadcasts to [1, 1]
 */
export function causalBias(
  lowering: Lowering,
  queries: string,
  keysTransposed: string,
  { before = '', window = -1 }: { readonly before?: string; readonly window?: number } = {},
): string {
  const rows = lowering.unsqueeze(indicesUpTo(lowering, queries, -2), 1);
  const columns = lowering.unsqueeze(indicesUpTo(lowering, keysTransposed, -1), 0);
  const last = before ? lowering.emit('Add', [rows, before]) : rows;
  const distance = lowering.emit('Sub', [last, columns]);
  const past = lowering.emit('Greater', [distance, lowering.integers([-1])]);
  const seen =
    window < 0 ? past : lowering.emit('And', [past, lowering.emit('Less', [distance, lowering.integers([window])])]);
  return biasWhere(lowering, seen);
}

/** 0, 1, … as many as an axis has. */
export function indicesUpTo(lowering: Lowering, tensor: string, axis: number): string {
  const count = lowering.squeeze(lowering.sizeOf(tensor, axis), 0);
  const [start, step] = [0n, 1n].map(value => lowering.constant('int64', [], BigInt64Array.of(value)));
  return lowering.emit('Range', [start!, count, step!]);
}

const FLOAT = 1;
