import { OnnxCamError } from '../common/errors.ts';
import { largestOf, toInt64s } from '../common/sizes.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { FactTable } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import { batchName, makeValueInfo } from '../model/graph/value-info.ts';
import { oneHot } from './accumulator.ts';
import { scale } from './blocked.ts';
import type { Seed } from './differentiate.ts';
import { Emitter } from './emitter.ts';
import { reduceSum } from './forms.ts';
import type { Value } from './value.ts';

export interface ClassSeedOptions {
  /** Name of the dynamic number of images, where the first input that has one is not the image. */
  readonly batch?: string | undefined;
  /** Several classes of one image: see `DifferentiateOptions.manyScores`. */
  readonly manyScores?: boolean;
  /** What the names of the new model inputs and tensors begin with. */
  readonly prefix?: string;
}

export interface ClassSeed {
  /** Seed for `differentiate`: int64 [N] or [K], ranks replaced by classes. */
  readonly index: string;
  /** The facts given and those of what was appended. */
  readonly facts: FactTable;
  /**
   * The new inputs for a run: one class per image, or with `manyScores` K classes of one image. A value below zero means a
   * rank: −1 the class with the largest logit, −2 the second, … found inside the graph, so that forward and backward pass
   * for the best class are one run.
   */
  feeds(wanted: readonly number[]): Record<string, Tensor>;
}

/**
 * Appends model inputs for classes and the nodes that turn ranks into classes. The logits are [N, classes] or
 * [N, classes, 1, …]; anything else throws `ERR_MODEL_UNSUPPORTED`. Classes must be below the number of classes and
 * ranks must exist: the runtime refuses others, in words that are not for users, so check them before the run.
 *
 * The classes are picked out of one list: the best of every image, as far down as the ranks go, and then those that are fed.
 * Where to look is fed as well, since nodes as small as these cost more than what they compute.
 */
export function appendClassSeed(
  graph: Graph,
  facts: FactTable,
  logits: string,
  { manyScores = false, prefix = 'seed', batch: images = batchName(graph.inputs) }: ClassSeedOptions = {},
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
  const extended = new Map(facts);
  const symbol = manyScores ? 'scores' : (images ?? 'scores');
  const input = (name: string, length: number): Value => {
    const value = { name: `${prefix}/${name}`, type: 'int64' as const, dims: [length] };
    graph.inputs.push(makeValueInfo(value.name, value.type, [length === -1 ? symbol : length]));
    extended.set(value.name, value);
    return value;
  };
  const given = input('classes', count);
  const place = input('places', count);
  // Before opset 10 the depth is an attribute.
  const depth = graph.opset < 10 ? undefined : input('depth', 1);
  const emit = new Emitter(graph, extended, prefix);
  // Half types are not sorted everywhere.
  const type = known.type === 'float64' ? 'float64' : 'float32';
  const scores = emit.cast(emit.reshape({ ...known, name: logits }, [batch, classes]), type);
  const best = emit.reshape(bestClasses(emit, scores, depth, classes), [-1]);
  const list = emit.node('Concat', [best, given], { type: 'int64', dims: [-1] }, { axis: 0 });
  const index = emit.node('Gather', [list, place], { type: 'int64', dims: [count] }, { axis: 0 });
  const feedsFor = (wanted: readonly number[]): Record<string, Tensor> => {
    const deepest = depth ? largestOf([1, ...wanted.map(one => -one)]) : classes;
    const images = manyScores ? 1 : wanted.length;
    const places = wanted.map((one, k) => (one < 0 ? (manyScores ? 0 : k * deepest) - 1 - one : images * deepest + k));
    return {
      [given.name]: int64(wanted.map(one => Math.max(one, 0))),
      [place.name]: int64(places),
      ...(depth && { [depth.name]: int64([deepest]) }),
    };
  };
  // Most calls ask for what the one before asked for; nobody writes to what is fed.
  let last: { readonly key: string; readonly feeds: Record<string, Tensor> } | undefined;
  const feeds = (wanted: readonly number[]): Record<string, Tensor> => {
    const key = wanted.join();
    if (last?.key !== key) last = { key, feeds: feedsFor(wanted) };
    return last.feeds;
  };
  return { index: index.name, facts: emit.facts, feeds };
}

/**
 * Appends what relevance starts from: 1 at the class and −1/K at each of the other K − 1 (contrastive, as in
 * Relevance-CAM), and for a score of several classes the same combination of theirs: s + (s − Σs)/K.
 * @param scores [N, K]
 */
export function appendContrast(
  graph: Graph,
  facts: FactTable,
  scores: string,
  seed: Seed,
): { readonly seed: Seed; readonly facts: FactTable } {
  const emit = new Emitter(graph, facts, 'contrast');
  const tensor: Value = { ...facts.get(scores)!, name: scores };
  const known = (name: string): Value => ({ ...facts.get(name)!, name });
  const s = 'index' in seed ? oneHot(emit, known(seed.index), tensor) : known(seed.gradient);
  const others = emit.sub(s, reduceSum(emit, s, [1]));
  const gradient = emit.add(s, scale(emit, others, 1 / tensor.dims[1]!));
  return { seed: { gradient: gradient.name }, facts: emit.facts };
}

/** [N, depth] classes by falling logit; without a depth all of them. */
function bestClasses(e: Emitter, scores: Value, depth: Value | undefined, classes: number): Value {
  const dims = [scores.dims[0]!, depth ? -1 : classes];
  const outputs = [
    { type: scores.type, dims },
    { type: 'int64' as const, dims },
  ];
  if (depth) return e.nodes('TopK', [scores, depth], outputs, { axis: 1 })[1]!;
  return e.nodes('TopK', [scores], outputs, { axis: 1, k: classes })[1]!;
}

function int64(values: readonly number[]): Tensor<'int64'> {
  return { type: 'int64', data: toInt64s(values), dims: [values.length] };
}
