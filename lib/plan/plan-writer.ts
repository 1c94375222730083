import { expand } from '../autodiff/broadcast.ts';
import type { Seed } from '../autodiff/differentiate.ts';
import { differentiationSteps } from '../autodiff/differentiate.ts';
import { Emitter } from '../autodiff/emitter.ts';
import type { Steps } from '../common/slices.ts';
import { expose } from '../model/graph/expose.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import { asFeatureMaps, asRows } from './conversions.ts';
import { orNameAlternatives } from './no-gradient.ts';
import type { AppendedLayers, PassWriter } from './passes/pass.ts';
import type { AppendedReadout, ScoreHead } from './score-head.ts';
import type { SeededGraph, Seeding } from './seeding.ts';
import type { TargetLayer } from './target-layer.ts';

/** What a plan is written into, and how. */
export interface PlanSource {
  /** Extended in place. */
  readonly graph: Graph;
  /** Of every tensor of the graph; taken over. */
  readonly facts: Map<string, TensorFacts>;
  /** Name of the image input. */
  readonly input: string;
  readonly head: ScoreHead;
  readonly seeding: Seeding;
  readonly manyScores: boolean;
  /** See `DifferentiateOptions.blocks`. */
  readonly blocks: boolean;
}

/** Appends rows of scores, backward passes and feature maps to a graph. */
export class PlanWriter implements PassWriter, SeededGraph {
  readonly graph: Graph;
  readonly facts: Map<string, TensorFacts>;
  readonly input: string;
  readonly manyScores: boolean;
  readonly blocks: boolean;
  readonly logits: string;
  /** What the head's readout gave besides the rows. */
  readonly readout: Omit<AppendedReadout, 'rows'>;
  readonly #seeding: Seeding;
  /** By layer, as the pass left them. */
  readonly #gradients = new Map<string, string>();
  #appended: Record<string, Seed> | undefined;

  constructor({ graph, facts, input, head, seeding, manyScores, blocks }: PlanSource) {
    this.graph = graph;
    this.facts = facts;
    this.input = input;
    this.manyScores = manyScores;
    this.blocks = blocks;
    this.#seeding = seeding;
    const { rows, ...readout } = asRows(graph, facts, head);
    this.logits = rows;
    this.readout = readout;
  }

  output(tensor: string): string {
    return expose(this.graph, tensor, this.facts);
  }

  featureMaps(tensor: string, layer: TargetLayer): string {
    return asFeatureMaps(this.graph, this.facts, tensor, layer);
  }

  /** Layer name and the tensor with its gradient as feature maps. */
  *appendGradients(layers: readonly TargetLayer[]): Steps<AppendedLayers> {
    const { seeds } = this;
    const { gradients, facts } = yield* orNameAlternatives(
      differentiationSteps({
        graph: this.graph,
        facts: this.facts,
        seeds,
        wrt: layers.map(({ name }) => name),
        lazy: layers.every(({ layout }) => layout === 'nchw' || layout === 'nhwc' || layout === 'ncdhw'),
        manyScores: this.manyScores,
        blocks: this.blocks,
      }),
    );
    this.learn(facts);
    for (const [name, gradient] of gradients) this.#gradients.set(name, gradient);
    return layers.map(layer => {
      const gradient = this.#lazyOnPositionsOnly(gradients.get(layer.name)!, layer);
      return [layer.name, this.featureMaps(gradient, layer)];
    });
  }

  wholeGradient(layer: string): string {
    const gradient = this.#gradients.get(layer)!;
    const emit = new Emitter(this.graph, this.facts, 'grad-whole');
    const full = { name: layer, ...this.facts.get(layer)! };
    const whole = expand(emit, { name: gradient, ...this.facts.get(gradient)! }, full);
    this.learn(emit.facts);
    return whole.name;
  }

  /** The kernels take gradients that are constant over all positions as [N, C, 1, 1]; every other axis is written out. */
  #lazyOnPositionsOnly(gradient: string, { name, layout }: TargetLayer): string {
    const value = { name: gradient, ...this.facts.get(gradient)! };
    const tensor = { name, ...this.facts.get(name)! };
    const axes = tensor.dims.map((_, axis) => axis).slice(1);
    const channels = layout === 'nhwc' ? axes.at(-1)! : 1;
    const lazy = layout !== 'frames' && axes.every(axis => axis === channels || value.dims[axis] === 1);
    const emit = new Emitter(this.graph, this.facts, 'grad-whole');
    const whole = expand(emit, value, tensor, lazy ? [channels] : axes);
    this.learn(emit.facts);
    return whole.name;
  }

  /** Appended on first need. */
  get seeds(): Record<string, Seed> {
    this.#appended ??= this.seedsOf(this.logits);
    return this.#appended;
  }

  seedsOf(logits: string): Record<string, Seed> {
    return this.#seeding.seedsOf(this, logits);
  }

  learn(facts: FactTable): void {
    for (const [name, known] of facts) this.facts.set(name, known);
  }
}
