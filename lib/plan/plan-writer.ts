import { expand } from '../autodiff/broadcast.ts';
import type { Seed } from '../autodiff/differentiate.ts';
import { differentiationSteps } from '../autodiff/differentiate.ts';
import { Emitter } from '../autodiff/emitter.ts';
import type { ClassSeed } from '../autodiff/seed.ts';
import { appendClassSeed } from '../autodiff/seed.ts';
import { pushAll } from '../common/sizes.ts';
import type { Steps } from '../common/slices.ts';
import { expose } from '../model/graph/expose.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import { batchName } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import type { HeadChoice } from '../targets/resolve.ts';
import { asFeatureMaps, asRows, feedFloat32 } from './conversions.ts';
import { orNameAlternatives } from './no-gradient.ts';
import type { AppendedLayers, PassWriter } from './passes/pass.ts';
import type { NetworkPlan } from './plan.ts';
import type { AppendedReadout, ScoreHead } from './score-head.ts';
import { appendDenseSeeds, appendScoreView } from './score-views.ts';
import type { TargetLayer } from './target-layer.ts';

const CLASS_PREFIX = 'onnx_cam/class';

export class PlanWriter implements PassWriter {
  readonly graph: Graph;
  readonly facts: Map<string, TensorFacts>;
  readonly input: string;
  readonly manyScores: boolean;
  readonly blocks: boolean;
  readonly logits: string;
  readonly region: string | undefined;
  readonly candidates: AppendedReadout['candidates'];
  readonly #head: ScoreHead;
  readonly #plan: Omit<NetworkPlan, keyof HeadChoice>;
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
    this.manyScores = plan.manyScores;
    this.blocks = blocks;
    this.input = feedFloat32(this.graph, this.facts, model.input.name);
    const { rows, region, candidates } = asRows(this.graph, this.facts, head);
    const own = this.graph.outputs.filter(({ name }) => name === rows);
    this.graph.outputs.length = 0;
    pushAll(this.graph.outputs, own);
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

  /** The seeds are inputs that all logits share. */
  seedsOf(logits: string): Record<string, Seed> {
    const { manyScores } = this;
    const { seed } = this.#plan;
    if (seed?.kind === 'index') {
      if (!this.#classes) {
        const options = { manyScores, prefix: CLASS_PREFIX, batch: this.#batch };
        this.#classes = appendClassSeed(this.graph, this.facts, this.logits, options);
        this.learn(this.#classes.facts);
      }
      const view = appendScoreView(this.graph, this.facts, this.#head, logits, seed.view);
      return { [view]: { index: this.#classes.index } };
    }
    const rows = manyScores ? -1 : this.facts.get(this.logits)!.dims[0]!;
    const declared = rows === -1 && !manyScores ? this.#batch : undefined;
    return appendDenseSeeds(this.graph, this.facts, this.#head, logits, { views: seed?.views ?? [], rows, declared });
  }

  /** Name of the number of images: other inputs may have batches of their own. */
  get #batch(): string | undefined {
    return batchName(this.graph.inputs.filter(({ name }) => name === this.input));
  }

  learn(facts: FactTable): void {
    for (const [name, known] of facts) this.facts.set(name, known);
  }
}
