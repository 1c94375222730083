import { OnnxCamError } from '../common/errors.ts';
import { constantValues } from '../model/graph/constant-chain.ts';
import type { GraphNode } from '../model/graph/graph.ts';
import { Accumulator, oneHot, type Part } from './accumulator.ts';
import { expand, unbroadcast } from './broadcast.ts';
import type { Emitter } from './emitter.ts';
import type { Value } from './value.ts';

/** Where a rule's results go. */
export interface GradientSink {
  add(tensor: string, gradient: Value): void;
  addPart(tensor: string, part: Part, gradient: Value): void;
  addIndex(tensor: string, index: Value): void;
}

/** A table of rules (rule.ts), as far as it is passed on here. */
type Rules = ReadonlyMap<string, { readonly backward: (context: NodeContext) => void }>;

/** What {@link NodeContext} needs to know of the pass it belongs to. */
export interface PassView {
  readonly emit: Emitter;
  /** Several scores of each image in one run: gradients have more rows than forward tensors. */
  readonly manyScores: boolean;
  value(name: string): Value;
  wants(tensor: string): boolean;
  /** Whether the pass starts from this tensor. */
  isScore(tensor: string): boolean;
  /** The node of the model that is named where a rule refuses a node emitted in its place. */
  readonly subject?: GraphNode;
  /** Gradients of the sources through nodes emitted on the way, from those of their results; by the true gradient's rules if none are given. */
  backThrough(
    subject: GraphNode,
    nodes: readonly GraphNode[],
    results: ReadonlyMap<string, Value>,
    sources: readonly Value[],
    rules?: Rules,
  ): ReadonlyMap<string, Value>;
}

/** What one rule shows another in the place of the node's own. */
export interface Substitutes {
  /** Values instead of those of the forward tensors with these names, of the same shapes (the batch may be one). */
  readonly values?: ReadonlyMap<string, Value>;
  /** True where gradients may have more rows than the values given. */
  readonly manyScores?: boolean;
}

/** One node on the path as its rule sees it. */
export class NodeContext {
  readonly node: GraphNode;
  readonly emit: Emitter;
  /** Class indices, when the gradient of output 0 is one-hot (only in `backwardIndex`). */
  readonly index: Value | undefined;
  readonly #pass: PassView;
  readonly #gradients: readonly (Value | undefined)[];
  readonly #sink: GradientSink;

  constructor(
    node: GraphNode,
    pass: PassView,
    gradients: readonly (Value | undefined)[],
    sink: GradientSink,
    index?: Value,
  ) {
    this.node = node;
    this.emit = pass.emit;
    this.index = index;
    this.#pass = pass;
    this.#gradients = gradients;
    this.#sink = sink;
  }

  get manyScores(): boolean {
    return this.#pass.manyScores;
  }

  /** Gradient of output 0, possibly lazy. */
  get gradient(): Value {
    const gradient = this.#gradients[0];
    return gradient ?? this.fail('only a secondary output is used');
  }

  /** Gradient of any output, undefined where nothing depends on it. */
  gradientOf(output: number): Value | undefined {
    return this.#gradients[output];
  }

  /** Gradient of output 0 in the output's full shape. */
  get fullGradient(): Value {
    return expand(this.emit, this.gradient, this.output());
  }

  has(position: number): boolean {
    return (this.node.inputs[position] ?? '') !== '';
  }

  /** A forward input. */
  input(position = 0): Value {
    return this.#pass.value(this.node.inputs[position]!);
  }

  /** A forward output. */
  output(position = 0): Value {
    return this.#pass.value(this.node.outputs[position]!);
  }

  /** The node that makes an input, or any tensor; undefined for weights and model inputs. */
  producer(position: number): GraphNode | undefined {
    return this.producerOf(this.node.inputs[position] ?? '');
  }

  producerOf(tensor: string): GraphNode | undefined {
    return this.emit.graph.producer(tensor);
  }

  /** Values of a small input that is constant (a weight, or found constant by probing); undefined if it varies. */
  constantInput(position: number): readonly number[] | undefined {
    const name = this.node.inputs[position];
    return name ? constantValues(this.emit.graph, this.emit.facts, name) : undefined;
  }

  /** Value of an input that is a constant of one element; undefined if it is something else. */
  constantNumber(position: number): number | undefined {
    const values = this.constantInput(position);
    return values?.length === 1 ? values[0] : undefined;
  }

  /** True for a node whose output the pass starts from. */
  get makesScore(): boolean {
    return this.#pass.isScore(this.node.outputs[0]!);
  }

  /** True for an input that lies on the path. */
  wants(position: number): boolean {
    const name = this.node.inputs[position];
    return name !== undefined && name !== '' && this.#pass.wants(name);
  }

  /** Hands back a gradient of an input's shape (or lazy); ignored for inputs off the path. */
  add(position: number, gradient: Value): void {
    if (this.wants(position)) this.#sink.add(this.node.inputs[position]!, gradient);
  }

  /** The same for a gradient of the output's shape, summed over the axes on which the input was broadcast. */
  addBroadcast(position: number, gradient: Value): void {
    if (this.wants(position)) this.add(position, unbroadcast(this.emit, gradient, this.output(), this.input(position)));
  }

  /** Hands a gradient to any tensor on the path (composite patterns skip the nodes between). */
  addTo(tensor: string, gradient: Value): void {
    if (this.#pass.wants(tensor)) this.#sink.add(tensor, gradient);
  }

  /** Any forward tensor. */
  value(tensor: string): Value {
    return this.#pass.value(tensor);
  }

  /** Hands back a gradient that is zero outside a stretch of one axis. */
  addPart(position: number, part: Part, gradient: Value): void {
    if (this.wants(position)) this.#sink.addPart(this.node.inputs[position]!, part, gradient);
  }

  /** Passes class indices on to an input of the output's shape. */
  addIndex(position: number, index: Value): void {
    if (this.wants(position)) this.#sink.addIndex(this.node.inputs[position]!, index);
  }

  /**
   * The same node with other output gradients, and `receive` called with every gradient that its rule hands back: lets
   * one rule call another with a cotangent of its own, and with other forward values in the place of some tensors.
   */
  with(
    gradients: readonly (Value | undefined)[],
    receive: (tensor: string, gradient: Value) => void,
    { values, manyScores = this.manyScores }: Substitutes = {},
  ): NodeContext {
    const { emit } = this;
    const pass = this.#pass;
    const view: PassView = {
      emit,
      manyScores,
      value: name => values?.get(name) ?? pass.value(name),
      wants: tensor => pass.wants(tensor),
      isScore: tensor => pass.isScore(tensor),
      ...(pass.subject && { subject: pass.subject }),
      backThrough: (...parts) => pass.backThrough(...parts),
    };
    return new NodeContext(this.node, view, gradients, {
      add: receive,
      addPart: (tensor, part, gradient) => {
        const whole = new Accumulator(this.value(tensor));
        whole.addPart(part, gradient);
        receive(tensor, whole.total(this.emit)!);
      },
      addIndex: (tensor, index) => receive(tensor, oneHot(this.emit, index, this.value(tensor))),
    });
  }

  /**
   * Backwards through another form of the node: `emit` emits nodes that compute something from the wanted inputs, and
   * says what the gradient of each of its results is.
   * @param seen an input as the emitted nodes see it, where that is not what `input` gives
   * @param rules by which it goes back, those of the true gradient by default; made when the nodes are there
   */
  backThrough(
    emit: () => readonly (readonly [result: Value, gradient: Value])[],
    seen: (input: Value) => Value = input => input,
    rules?: () => Rules,
  ): void {
    const start = this.emit.graph.nodes.length;
    const results = new Map(emit().map(([{ name }, gradient]) => [name, gradient]));
    const nodes = this.emit.graph.nodes.slice(start);
    // What stands in the place of an input has another name.
    const inputs = this.node.inputs.filter((_, position) => this.wants(position));
    const sources = new Map(inputs.map(name => [this.value(name).name, { name, value: seen(this.value(name)) }]));
    const values = [...sources.values()].map(({ value }) => value);
    const gradients = this.#pass.backThrough(this.#subject, nodes, results, values, rules?.());
    for (const [source, gradient] of gradients) this.#sink.add(sources.get(source)!.name, gradient);
  }

  get #subject(): GraphNode {
    return this.#pass.subject ?? this.node;
  }

  /** Throws `ERR_NO_GRADIENT` for this node. */
  fail(reason: string): never {
    const { op, name, outputs } = this.#subject;
    throw noGradient([{ op, node: name || outputs[0]!, reason }]);
  }
}

/** An operator on the path that gradients cannot pass. */
export interface Obstacle {
  readonly op: string;
  /** Name of the node, or of its first output where it has none. */
  readonly node: string;
  readonly reason?: string;
}

export function noGradient(obstacles: readonly Obstacle[]): OnnxCamError {
  return new OnnxCamError('ERR_NO_GRADIENT', `no gradient through operator ${listed(obstacles)}`);
}

/** The first of them by operator and node, and how many more there are. */
export function listed(obstacles: readonly Obstacle[]): string {
  const first = obstacles
    .slice(0, 3)
    .map(({ op, node, reason }) => `${op} (node "${node}")${reason ? `: ${reason}` : ''}`);
  const rest = obstacles.length > 3 ? ` and ${obstacles.length - 3} more` : '';
  return first.join(', ') + rest;
}
