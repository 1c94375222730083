import type { Progress } from '../common/progress.ts';
import { isAccelerated } from '../engine/providers.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { FactTable } from '../model/graph/facts.ts';
import type { Model } from '../model/load-model.ts';
import { hasDynamicBatch, repeatBatch, sharesBatch } from '../model/probe/probing-feeds.ts';
import { layerForm } from '../plan/plan.ts';
import { readoutForm } from '../plan/readout.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import { blockGraph, networkGraph, prefixInput, type ScoringGraph, tailGraph } from '../plan/scoring-graphs.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { ActivationScorer } from '../scoring/activation-scorer.ts';
import { createActivationScorer } from '../scoring/activation-scorer.ts';
import type { PictureScorer } from '../scoring/picture-scorer.ts';
import { createPictureScorer } from '../scoring/picture-scorer.ts';
import type { UseModel } from '../scoring/scoring-model.ts';
import type { ScorerOptions } from '../scoring/scoring-runs.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import { GraphsBySize, type SizedGraph } from './graphs-by-size.ts';
import type { ReadyImage } from './images.ts';
import { type NetworkSessionOptions, openSized } from './planned-session.ts';
import type { SessionUse } from './session-cache.ts';

/** What scoring one image's changed copies starts from. */
export interface PictureScorerRequest {
  readonly image: ReadyImage;
  readonly row: ScoreRow;
  readonly targets: readonly ResolvedTarget[];
  readonly head: ScoreHead;
  /** What the head's readout is fed for this image. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Facts at the image's size, and that size. */
  readonly facts: FactTable;
  readonly size: string;
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** What scoring changed copies of one image's activations starts from. */
export interface ActivationScorerRequest extends Omit<PictureScorerRequest, 'image'> {
  readonly layer: TargetLayer;
  /** The layer's normalisation, which is changed together with it; its channels follow the layer's. */
  readonly entry?: TargetLayer;
  /** The layer's activations for this image, [1, C, h, w]. */
  readonly activations: FeatureMaps;
  /** Their gradients, where the logits are an affine function of the layer. */
  readonly linearTail?: FeatureMaps;
  /** The image's tokens before those of the picture [1, P, D], of layers that have some. */
  readonly prefix?: Tensor<'float32'>;
}

/** Makes scorers over the explainer's sessions; perturbation runs use one-thread sessions of their own. */
export class Scorers {
  readonly #model: Model;
  readonly #cache: SessionUse;
  readonly #options: NetworkSessionOptions;
  readonly #threads: number;
  readonly #graphs: GraphsBySize;

  constructor(model: Model, cache: SessionUse, options: NetworkSessionOptions, threads: number) {
    this.#model = model;
    this.#cache = cache;
    this.#options = options;
    this.#threads = threads;
    this.#graphs = new GraphsBySize(!isAccelerated(options.executionProviders));
  }

  /** Scores changed copies of the image itself. */
  pictures(request: PictureScorerRequest): PictureScorer {
    const { head, facts, feeds } = request;
    const { data, dims } = request.image.tensor;
    return createPictureScorer({
      ...this.#common(request),
      input: { data, dims, layout: this.#model.input.layout },
      network: this.#use(keyOf('network', request), request.size, () => networkGraph(this.#model, facts, head), feeds),
    });
  }

  /** Scores changed copies of a layer's activations. */
  activations(request: ActivationScorerRequest): ActivationScorer {
    const { layer, entry, head, facts, feeds, prefix, linearTail } = request;
    const build = () =>
      entry ? blockGraph(this.#model, facts, head, [layer, entry]) : tailGraph(this.#model, facts, head, layer);
    const cut = (layer.tokens?.prefix ?? 0) === 0 || prefix !== undefined;
    const kept = prefix && { [prefixInput(layer)]: repeatBatch(prefix, this.#model.input.batch ?? 1) };
    const key = keyOf(entry ? 'block' : 'tail', request, entry ? [layer, entry] : [layer]);
    return createActivationScorer({
      ...this.#common(request),
      layer: request.activations,
      tail: cut ? this.#use(key, request.size, build, { ...feeds, ...kept }) : undefined,
      linearTail,
    });
  }

  #common({ row, targets, batchSize, signal, onProgress }: Omit<PictureScorerRequest, 'image'>): ScorerOptions {
    const provider = isAccelerated(this.#options.executionProviders) ? 'accelerator' : 'cpu';
    return { row, targets, provider, threads: this.#threads, batchSize, signal, onProgress };
  }

  /** `feeds` are fixed inputs of this image alone. */
  #use(key: string, size: string, build: () => ScoringGraph, feeds: Readonly<Record<string, Tensor>>): UseModel {
    return async task => {
      const sized = await this.#graphs.at(key, size, async () => build());
      return this.#cache.use(
        sized.key,
        () => this.#open(sized, feeds),
        ({ names, ...model }) => {
          const fixed = Object.entries(this.#model.fixedInputs).filter(([name]) => names.has(name));
          return task({ ...model, fixed: { ...Object.fromEntries(fixed), ...feeds, ...sized.feeds } });
        },
      );
    };
  }

  async #open(sized: SizedGraph<ScoringGraph>, feeds: Readonly<Record<string, Tensor>>) {
    const { graph, input, output } = sized.made;
    const session = await openSized(sized, { ...this.#options, intraOpNumThreads: 1 });
    const names = new Set(graph.inputs.map(({ name }) => name));
    // What a readout is fed belongs to no image where its first size is given.
    const read = Object.keys(feeds).filter(name => names.has(name) && !hasDynamicBatch(graph, name));
    const whole = this.#model;
    const own = Object.keys(whole.fixedInputs).filter(name => !sharesBatch(whole.graph, name, whole.input.name));
    const shared = new Set([...read, ...own, ...Object.keys(sized.feeds)]);
    return { session, input, output, shared, batch: whole.input.batch, names };
  }
}

/** Equal for requests that are scored by one graph. */
function keyOf(
  kind: 'network' | 'tail' | 'block',
  { head, feeds }: Omit<PictureScorerRequest, 'image'>,
  layers: readonly TargetLayer[] = [],
): string {
  const read = [head.output, head.classes, readoutForm(head.readout), Object.keys(feeds)];
  return JSON.stringify([kind, read, layers.map(layerForm)]);
}
