import { OnnxCamError } from '../errors.ts';
import type { FactTable } from '../model/facts.ts';
import type { Graph } from '../model/graph.ts';
import { makeValueInfo } from '../model/value-info.ts';
import { Emitter } from './emitter.ts';
import { range, type Value } from './value.ts';

export interface ClassSeedOptions {
  /**
   * Name of the new model input, int64 [N]: one class per image, or with `manyScores` [K] classes of one image. A value
   * below zero means a rank: −1 the class with the largest logit, −2 the second, … found inside the graph, so that
   * forward and backward pass for the best class are one run.
   */
  readonly classInput: string;
  /** Several classes of one image: see `DifferentiateOptions.manyScores`. */
  readonly manyScores?: boolean;
  readonly prefix?: string;
}

export interface ClassSeed {
  /** Seed for `differentiate`: int64 [N] or [K], ranks replaced by classes. */
  readonly index: string;
  /** The facts given and those of what was appended. */
  readonly facts: FactTable;
}

/**
 * Appends a model input for classes and the nodes that turn ranks into classes. The logits are [N, classes] or
 * [N, classes, 1, …]; anything else throws `ERR_MODEL_UNSUPPORTED`. Classes must be below the number of classes and
 * ranks must exist: the runtime refuses others, in words that are not for users, so check them before the run.
 */
export function appendClassSeed(
  graph: Graph,
  facts: FactTable,
  logits: string,
  { classInput, manyScores = false, prefix = 'seed' }: ClassSeedOptions,
): ClassSeed {
  const known = facts.get(logits);
  if (!known) throw new OnnxCamError('ERR_LAYER_NOT_FOUND', `the model has no tensor "${logits}"`);
  const [batch, classes, ...rest] = known.dims;
  if (batch === undefined || classes === undefined || classes < 1 || rest.some(size => size !== 1))
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `class scores must have shape [N, classes], "${logits}" has [${known.dims}]: name another output`,
    );
  const count = manyScores ? -1 : batch;
  graph.inputs.push(makeValueInfo(classInput, 'int64', [count === -1 ? 'scores' : count]));
  const emit = new Emitter(graph, new Map(facts).set(classInput, { type: 'int64', dims: [count] }), prefix);
  const wanted: Value = { name: classInput, type: 'int64', dims: [count] };
  // Half types are not sorted everywhere.
  const type = known.type === 'float64' ? 'float64' : 'float32';
  const scores = emit.cast(emit.reshape({ ...known, name: logits }, [batch, classes]), type);
  const index = resolveRanks(emit, scores, wanted, classes);
  return { index: index.name, facts: emit.facts };
}

/** wanted ≥ 0 ? wanted : the class of rank −1 − wanted. */
function resolveRanks(e: Emitter, scores: Value, wanted: Value, classes: number): Value {
  // Less takes no integers before opset 9.
  const zero = e.constant(0, 'float32');
  const isRank = e.cast(
    e.node('Less', [e.cast(wanted, 'float32'), zero], { type: 'bool', dims: wanted.dims }),
    'int64',
  );
  // Classes take part as rank 0 and are chosen below.
  const rank = e.mul(e.minusFrom(-1, wanted), isRank);
  const { sorted, length } = sortedClasses(e, scores, rank, classes);
  // [K, 1] = [k] picks the rank of each row out of [N, k], with N = K or N = 1.
  const column = e.reshape(rank, [rank.dims[0]!, 1]);
  const places = e.constant(range(classes), 'int64', [classes]);
  const numbers =
    length === undefined
      ? places
      : e.node('Slice', [places, e.ints([0]), length, e.ints([0])], { type: 'int64', dims: [-1] });
  const hit = e.cast(e.node('Equal', [column, numbers], { type: 'bool', dims: [rank.dims[0]!, -1] }), 'float32');
  const picked = e.mul(hit, e.cast(sorted, 'float32'));
  const byRank = e.cast(sumRows(e, picked, rank.dims[0]!), 'int64');
  return e.add(e.mul(byRank, isRank), e.mul(wanted, e.sub(e.constant(1, 'int64'), isRank)));
}

/** Σ over the last axis, [K, n] → [K]. */
function sumRows(e: Emitter, x: Value, rows: number): Value {
  const sums = { type: x.type, dims: [rows] };
  if (e.opset >= 13) return e.node('ReduceSum', [x, e.ints([1])], sums, { keepdims: 0 });
  return e.node('ReduceSum', [x], sums, { axes: [1], keepdims: 0 });
}

/** Classes by falling logit, as far down as the ranks asked for go (all of them before opset 10). */
function sortedClasses(e: Emitter, scores: Value, rank: Value, classes: number): { sorted: Value; length?: Value } {
  const rows = scores.dims[0]!;
  if (e.opset < 10) {
    const full = [
      { type: scores.type, dims: [rows, classes] },
      { type: 'int64' as const, dims: [rows, classes] },
    ];
    return { sorted: e.nodes('TopK', [scores], full, { axis: 1, k: classes })[1]! };
  }
  const deepest = e.node('ReduceMax', [e.cast(rank, 'float32')], { type: 'float32', dims: [1] }, { keepdims: 1 });
  const length = e.add(e.cast(deepest, 'int64'), e.constant(1, 'int64'));
  const top = [
    { type: scores.type, dims: [rows, -1] },
    { type: 'int64' as const, dims: [rows, -1] },
  ];
  return { sorted: e.nodes('TopK', [scores, length], top, { axis: 1 })[1]!, length };
}
