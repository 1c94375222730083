import { expand } from '../autodiff/broadcast.ts';
import type { Seed } from '../autodiff/differentiate.ts';
import { differentiate } from '../autodiff/differentiate.ts';
import { Emitter } from '../autodiff/emitter.ts';
import { findPath } from '../autodiff/path.ts';
import { gradientPatterns, gradientRules } from '../autodiff/rules/index.ts';
import { guidedRules } from '../autodiff/rulesets/guided.ts';
import type { ClassSeed } from '../autodiff/seed.ts';
import { appendClassSeed } from '../autodiff/seed.ts';
import { expose } from '../model/graph/expose.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import { makeNode } from '../model/graph/graph.ts';
import { batchName } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import type { HeadChoice } from '../targets/resolve.ts';
import type { AttributionOptions } from './attributions.ts';
import { appendContributions, appendRelevance } from './attributions.ts';
import { appendBlockLogits } from './block-scores.ts';
import { asFeatureMaps, asRows, feedFloat32 } from './conversions.ts';
import { orNameAlternatives } from './no-gradient.ts';
import type { NetworkPlan } from './plan.ts';
import type { AppendedReadout, ScoreHead } from './score-head.ts';
import { appendDenseSeeds, appendScoreView } from './score-views.ts';
import type { TargetLayer } from './target-layer.ts';

const CLASS_PREFIX = 'onnx_cam/class';

export class PlanWriter {
  readonly graph: Graph;
  readonly facts: Map<string, TensorFacts>;
  readonly input: string;
  readonly logits: string;
  readonly region: string | undefined;
  readonly candidates: AppendedReadout['candidates'];
  readonly #head: ScoreHead;
  readonly #plan: Omit<NetworkPlan, keyof HeadChoice>;
  readonly #blocks: boolean;
  /** By layer, as the pass left them. */
  readonly #gradients = new Map<string, string>();
  #appended: Record<string, Seed> | undefined;
  /** Class indices that are fed, ranks resolved. */
  #classes: ClassSeed | undefined;

  constructor(
    model: Model,
    facts: FactTable,
    head: ScoreHead,
    plan: Omit<NetworkPlan, keyof HeadChoice>,
    blocks: boolean,
  ) {
    this.graph = model.graph.clone();
    this.facts = new Map(facts);
    this.#head = head;
    this.#plan = plan;
    this.#blocks = blocks;
    this.input = feedFloat32(this.graph, this.facts, model.input.name);
    const { rows, region, candidates } = asRows(this.graph, this.facts, head);
    const own = this.graph.outputs.filter(({ name }) => name === rows);
    this.graph.outputs.splice(0, this.graph.outputs.length, ...own);
    this.logits = rows;
    this.candidates = plan.candidates ? candidates : undefined;
    this.region = plan.region ? region : undefined;
  }

  /** The classes that are fed, where the graph takes any. */
  get classes(): ClassSeed | undefined {
    return this.#classes;
  }

  output(tensor: string): string {
    return expose(this.graph, tensor, this.facts);
  }

  featureMaps(tensor: string, layer: TargetLayer): string {
    return asFeatureMaps(this.graph, this.facts, tensor, layer);
  }

  /** Layer name and the tensor with its gradient as feature maps. */
  appendGradients(layers: readonly TargetLayer[]): (readonly [layer: string, tensor: string])[] {
    const seeds = this.#seeds;
    const { gradients, facts } = orNameAlternatives(() =>
      differentiate({
        graph: this.graph,
        facts: this.facts,
        seeds,
        wrt: layers.map(({ name }) => name),
        lazy: layers.every(({ layout }) => layout === 'nchw' || layout === 'nhwc' || layout === 'ncdhw'),
        manyScores: this.#plan.manyScores,
        blocks: this.#blocks,
      }),
    );
    this.#learn(facts);
    for (const [name, gradient] of gradients) this.#gradients.set(name, gradient);
    return layers.map(layer => {
      const gradient = this.#lazyOnPositionsOnly(gradients.get(layer.name)!, layer);
      return [layer.name, this.featureMaps(gradient, layer)];
    });
  }

  /**
   * Layer name and the tensor with H·A as feature maps, H the second derivative of the score: the gradient of Σ G·A with
   * the second factor held fast. A layer that its gradient doesn't depend on is left out.
   */
  appendCurvatures(layers: readonly TargetLayer[]): (readonly [layer: string, tensor: string])[] {
    return layers.flatMap(layer => {
      const { name } = layer;
      const gradient = this.#whole(this.#gradients.get(name)!, name);
      const path = findPath(this.graph, this.facts, gradientRules, [gradient], [name]);
      if (!path.tensors.has(name)) return [];
      const { gradients, facts } = differentiate({
        graph: this.graph,
        facts: this.facts,
        seeds: { [gradient]: { gradient: this.#repeatedAs(name, gradient) } },
        wrt: [name],
        manyScores: this.#plan.manyScores,
        blocks: this.#blocks,
        prefix: 'curvature',
      });
      this.#learn(facts);
      return [[name, this.featureMaps(gradients.get(name)!, layer)] as const];
    });
  }

  /** Layer name and the tensor with its gradient by guided backpropagation as feature maps. */
  appendGuided(layers: readonly TargetLayer[]): (readonly [layer: string, tensor: string])[] {
    const { gradients, facts } = orNameAlternatives(() =>
      differentiate({
        graph: this.graph,
        facts: this.facts,
        seeds: this.#seeds,
        wrt: layers.map(({ name }) => name),
        rules: guidedRules,
        patterns: gradientPatterns,
        manyScores: this.#plan.manyScores,
        blocks: this.#blocks,
        prefix: 'guided',
      }),
    );
    this.#learn(facts);
    return layers.map(layer => [layer.name, this.featureMaps(gradients.get(layer.name)!, layer)]);
  }

  get #attributionOptions(): AttributionOptions {
    return { seeds: this.#seeds, manyScores: this.#plan.manyScores, blocks: this.#blocks };
  }

  /** Layer name and the tensor with its relevance as feature maps. */
  appendRelevance(layers: readonly TargetLayer[]): (readonly [layer: string, tensor: string])[] {
    const names = layers.map(({ name }) => name);
    const found = appendRelevance(this, names, this.logits, this.#attributionOptions);
    return layers.map(layer => [layer.name, this.featureMaps(found.get(layer.name)!, layer)]);
  }

  /** Layer name and the tensor with its contributions as feature maps; every layer has a reference run of its own. */
  appendContributions(layers: readonly TargetLayer[]): (readonly [layer: string, tensor: string])[] {
    return layers.map(layer => {
      const contributions = appendContributions(this, layer.name, this.#attributionOptions);
      return [layer.name, this.featureMaps(contributions, layer)];
    });
  }

  /**
   * Layer name and the tensor with the gradient of the score of the block's own tokens, with respect to its attention. The
   * class is the same for all blocks: a rank is one among the network's own logits.
   */
  appendBlockGradients(layers: readonly TargetLayer[]): (readonly [layer: string, tensor: string])[] {
    return layers.map(layer => {
      const logits = appendBlockLogits(this.graph, this.facts, layer.block!, this.logits);
      const seeds = this.#appendSeeds(logits);
      const { gradients, facts } = orNameAlternatives(() =>
        differentiate({
          graph: this.graph,
          facts: this.facts,
          seeds,
          wrt: [layer.name],
          manyScores: this.#plan.manyScores,
          blocks: this.#blocks,
          prefix: 'block-gradient',
        }),
      );
      this.#learn(facts);
      return [layer.name, this.featureMaps(gradients.get(layer.name)!, layer)] as const;
    });
  }

  /** A gradient in its tensor's full shape. */
  #whole(gradient: string, tensor: string): string {
    const emit = new Emitter(this.graph, this.facts, 'grad-whole');
    const full = { name: tensor, ...this.facts.get(tensor)! };
    const whole = expand(emit, { name: gradient, ...this.facts.get(gradient)! }, full);
    this.#learn(emit.facts);
    return whole.name;
  }

  /** A layer's tensor, where several scores of one image are asked for once for each row of `gradient`. */
  #repeatedAs(tensor: string, gradient: string): string {
    if (!this.#plan.manyScores) return tensor;
    const name = `onnx_cam/repeated/${tensor}`;
    const { type, dims } = this.facts.get(gradient)!;
    this.graph.append(makeNode('Shape', [gradient], [`${name}/shape`]));
    this.graph.append(makeNode('Expand', [tensor, `${name}/shape`], [name]));
    this.facts.set(`${name}/shape`, { type: 'int64', dims: [dims.length] });
    this.facts.set(name, { type, dims });
    return name;
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
    this.#learn(emit.facts);
    return whole.name;
  }

  /** The network's score tensors and what their backward passes start from, appended on first need. */
  get #seeds(): Record<string, Seed> {
    this.#appended ??= this.#appendSeeds(this.logits);
    return this.#appended;
  }

  /** The score views of some logits with their seeds; the seeds are inputs that all logits share. */
  #appendSeeds(logits: string): Record<string, Seed> {
    const { seed, manyScores } = this.#plan;
    if (seed?.kind === 'index') {
      if (!this.#classes) {
        const options = { manyScores, prefix: CLASS_PREFIX };
        this.#classes = appendClassSeed(this.graph, this.facts, this.logits, options);
        this.#learn(this.#classes.facts);
      }
      const view = appendScoreView(this.graph, this.facts, this.#head, logits, seed.view);
      return { [view]: { index: this.#classes.index } };
    }
    const rows = manyScores ? -1 : this.facts.get(this.logits)!.dims[0]!;
    const declared = rows === -1 && !manyScores ? batchName(this.graph.inputs) : undefined;
    return appendDenseSeeds(this.graph, this.facts, this.#head, logits, { views: seed?.views ?? [], rows, declared });
  }

  #learn(facts: FactTable): void {
    for (const [name, known] of facts) this.facts.set(name, known);
  }
}
