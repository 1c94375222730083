import { OnnxCamError } from '../common/errors.ts';
import type { Steps } from '../common/slices.ts';
import { toEnd } from '../common/to-end.ts';
import type { FactTable } from '../model/graph/facts.ts';
import type { Graph, GraphNode } from '../model/graph/graph.ts';
import { Accumulator } from './accumulator.ts';
import { expand } from './broadcast.ts';
import { type GradientSink, listed, NodeContext, noGradient, type PassView } from './context.ts';
import { Emitter } from './emitter.ts';
import { obstacleOf, obstaclesOn } from './obstacles.ts';
import { findBarriers, findPath, type Path } from './path.ts';
import { matchPatterns, type Pattern, type PatternMatch } from './patterns.ts';
import { operatorOf, type RuleSet } from './rule.ts';
import { gradientPatterns, gradientRules } from './rules/index.ts';
import type { Value } from './value.ts';

/**
 * Gradient of a score tensor that the backward pass starts from: either a tensor of the score's shape, or an int64
 * vector of class indices [N] that stands for one-hot rows along axis 1 (a classifier then gathers the rows of its
 * weights instead of multiplying with all of them; see seed.ts).
 */
export type Seed = { readonly gradient: string } | { readonly index: string };

export interface DifferentiateOptions {
  /** Extended in place. */
  readonly graph: Graph;
  /** Facts of every tensor of the graph. */
  readonly facts: FactTable;
  /** Score tensor to its seed. Several scores add up. */
  readonly seeds: Readonly<Record<string, Seed>>;
  /** Tensors to differentiate with respect to; an output that only exposes a tensor through Identity stands for it. */
  readonly wrt: readonly string[];
  /** The true gradient by default; `guided`, relevance and other sets derive from it. */
  readonly rules?: RuleSet;
  /** Composites recognised before single rules; those of the true gradient unless `rules` is given. */
  readonly patterns?: readonly Pattern[];
  /** Start of the new names; a number is appended, so that every pass has its own. Default `grad`. */
  readonly prefix?: string;
  /** Leaves gradients that are constant along axes at size 1 there, as [N,C,1,1] behind global pooling. */
  readonly lazy?: boolean;
  /**
   * Several scores of one image in one run: the image is fed once (batch 1), the seeds have K rows, and so have the
   * gradients. Also works for models whose batch is fixed at 1.
   */
  readonly manyScores?: boolean;
  /**
   * Prefers operators that keep feature maps in the channel blocks in which ONNX Runtime's CPU convolutions hold them
   * (default true). To be turned off for other execution providers.
   */
  readonly blocks?: boolean;
}

export interface Differentiation {
  /** `wrt` name to the tensor that holds its gradient. Not a graph output yet: expose it. */
  readonly gradients: ReadonlyMap<string, string>;
  /** The facts given and those of every emitted tensor, for shapes of gradients and for a second differentiation. */
  readonly facts: FactTable;
  /** Nodes appended. */
  readonly nodeCount: number;
}

/**
 * Reverse-mode differentiation by rewriting: appends the nodes that compute Σ seed·∂score/∂t for every tensor t of
 * `wrt`, from standard operators of the graph's own opset. Only nodes on a path from `wrt` to a score are visited.
 * Throws `ERR_NO_GRADIENT`, naming operators and nodes, before anything is appended when a rule is missing, and while
 * appending when a rule cannot handle a node's attributes (the graph then keeps unused nodes: extend a clone);
 * `ERR_LAYER_NOT_FOUND` for an unknown tensor.
 */
export function differentiate(options: DifferentiateOptions): Differentiation {
  return toEnd(differentiationSteps(options));
}

/** The same, a node at a time. */
export function* differentiationSteps(options: DifferentiateOptions): Steps<Differentiation> {
  const { graph, facts, rules = gradientRules } = options;
  const patterns = options.patterns ?? (options.rules ? [] : gradientPatterns);
  const scores = Object.keys(options.seeds);
  const targets = new Map(options.wrt.map(name => [name, exposedTensor(graph, name)]));
  for (const name of [...scores, ...targets.values()])
    if (!facts.has(name))
      throw new OnnxCamError('ERR_LAYER_NOT_FOUND', `cannot differentiate: the model has no tensor "${name}"`);

  const path = findPath(graph, facts, rules, scores, [...targets.values()]);
  yield;
  const obstacles = obstaclesOn(path, rules);
  if (obstacles.length > 0) throw noGradient(obstacles);
  for (const [name, tensor] of targets) if (!path.tensors.has(tensor)) throw disconnected(options, tensor, name);

  const emit = new Emitter(graph, facts, options.prefix ?? 'grad', { blocks: options.blocks ?? true });
  const pass = new Pass(emit, path, new Set(scores), options.manyScores ?? false);
  for (const [score, seed] of Object.entries(options.seeds)) pass.plant(score, seed);
  const ends = new Set([...scores, ...targets.values()]);
  const composites = matchPatterns(graph, path, facts, patterns, ends);
  yield;
  yield* pass.steps(rules, composites);

  const gradients = new Map<string, string>();
  for (const [name, tensor] of targets) {
    const gradient = pass.gradient(tensor);
    if (!gradient) throw disconnected(options, tensor, name);
    gradients.set(name, (options.lazy ? gradient : expand(emit, gradient, pass.value(tensor))).name);
  }
  return { gradients, facts: emit.facts, nodeCount: emit.count };
}

/** State of one backward pass. */
class Pass implements PassView, GradientSink {
  readonly emit: Emitter;
  readonly manyScores: boolean;
  readonly subject?: GraphNode;
  readonly #path: Path;
  /** Tensors that are seen otherwise than by their facts. */
  readonly #seen = new Map<string, Value>();
  readonly #scores: ReadonlySet<string>;
  readonly #accumulators = new Map<string, Accumulator>();
  readonly #totals = new Map<string, Value | undefined>();

  constructor(emit: Emitter, path: Path, scores: ReadonlySet<string>, manyScores: boolean, subject?: GraphNode) {
    this.emit = emit;
    if (subject) this.subject = subject;
    this.#path = path;
    this.#scores = scores;
    this.manyScores = manyScores;
  }

  plant(score: string, seed: Seed): void {
    const { type, dims } = this.value(score);
    const dense = 'gradient' in seed;
    const name = dense ? seed.gradient : seed.index;
    const assumed = dense ? { type, dims } : { type: 'int64' as const, dims: [dims[0]!] };
    const known = this.emit.facts.get(name) ?? assumed;
    // A second differentiation meets the seed again.
    this.emit.facts.set(name, known);
    if (dense) this.add(score, { ...known, name });
    else this.addIndex(score, { ...known, name });
  }

  *steps(rules: RuleSet, composites: ReadonlyMap<GraphNode, PatternMatch>): Steps<void> {
    for (const node of this.#path.nodes.toReversed()) {
      yield;
      const index = this.#accumulators.get(node.outputs[0]!)?.onlyIndex;
      const rule = rules.get(operatorOf(node))!;
      if (index && rule.backwardIndex?.(new NodeContext(node, this, [], this, index))) continue;
      const gradients = node.outputs.map(output => this.gradient(output));
      if (gradients.every(gradient => gradient === undefined)) continue;
      const context = new NodeContext(node, this, gradients, this);
      const composite = composites.get(node);
      if (composite) composite.backward(context);
      else rule.backward(context);
    }
  }

  /** Sum of what has arrived at a tensor; final once all its readers have been visited. */
  gradient(tensor: string): Value | undefined {
    if (!this.#totals.has(tensor)) this.#totals.set(tensor, this.#accumulators.get(tensor)?.total(this.emit));
    return this.#totals.get(tensor);
  }

  value(name: string): Value {
    const seen = this.#seen.get(name);
    if (seen) return seen;
    const facts = this.emit.facts.get(name);
    if (!facts) throw new OnnxCamError('ERR_LAYER_NOT_FOUND', `nothing is known of tensor "${name}"`);
    const { type, dims } = facts;
    // With several scores of one image, a batch of one is a batch to its gradients, not a broadcast.
    // What was emitted in a node's place says itself which axis follows the batch.
    const single = dims[0] === 1 && !dims.includes(-1);
    if (this.manyScores && !this.subject && single && this.wants(name))
      return { name, type, dims: [-1, ...dims.slice(1)] };
    return { name, type, dims };
  }

  backThrough(
    subject: GraphNode,
    nodes: readonly GraphNode[],
    results: ReadonlyMap<string, Value>,
    sources: readonly Value[],
    rules: RuleSet = gradientRules,
  ): ReadonlyMap<string, Value> {
    const { emit } = this;
    const names = sources.map(({ name }) => name);
    const path = findPath({ nodes }, emit.facts, rules, [...results.keys()], names);
    const inner = new Pass(emit, path, new Set(), this.manyScores, subject);
    for (const source of sources) inner.#seen.set(source.name, source);
    for (const [result, gradient] of results) if (inner.wants(result)) inner.add(result, gradient);
    toEnd(inner.steps(rules, new Map()));
    const gradients = new Map<string, Value>();
    for (const name of names) {
      const gradient = inner.gradient(name);
      if (gradient) gradients.set(name, gradient);
    }
    return gradients;
  }

  wants(tensor: string): boolean {
    return this.#path.tensors.has(tensor);
  }

  isScore(tensor: string): boolean {
    return this.#scores.has(tensor);
  }

  add(tensor: string, gradient: Value): void {
    this.#accumulator(tensor).add(gradient);
  }

  addPart(tensor: string, part: Parameters<Accumulator['addPart']>[0], gradient: Value): void {
    this.#accumulator(tensor).addPart(part, gradient);
  }

  addIndex(tensor: string, index: Value): void {
    this.#accumulator(tensor).addIndex(index);
  }

  #accumulator(tensor: string): Accumulator {
    let accumulator = this.#accumulators.get(tensor);
    if (!accumulator) {
      accumulator = new Accumulator(this.value(tensor));
      this.#accumulators.set(tensor, accumulator);
    }
    return accumulator;
  }
}

/** The tensor behind outputs that only expose it: Identity nodes whose result nothing in the graph reads. */
function exposedTensor(graph: Graph, name: string): string {
  let tensor = name;
  for (let node = graph.producer(tensor); node; node = graph.producer(tensor)) {
    if (node.op !== 'Identity' || node.domain || graph.consumers(tensor).length > 0) break;
    tensor = node.inputs[0]!;
  }
  return tensor;
}

function disconnected(
  { graph, facts, rules = gradientRules, seeds }: DifferentiateOptions,
  tensor: string,
  name: string,
) {
  const scores = Object.keys(seeds);
  const barriers = findBarriers(graph, facts, rules, scores, tensor);
  const why =
    barriers.length > 0
      ? `depends on "${name}" only through ${listed(barriers.map(obstacleOf))}, whose derivative is zero or does not exist: choose a layer behind it`
      : `does not depend on "${name}": choose a layer before the score`;
  return new OnnxCamError('ERR_NO_GRADIENT', `the score ${scores.map(score => `"${score}"`).join(', ')} ${why}`);
}
