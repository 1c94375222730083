import type { Progress } from '../common/progress.ts';
import type { ScoringPrecision } from '../engine/precision.ts';
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
import type { UseInt8 } from '../scoring/int8-version.ts';
import type { PictureScorer } from '../scoring/picture-scorer.ts';
import { createPictureScorer } from '../scoring/picture-scorer.ts';
import type { UseModel } from '../scoring/scoring-model.ts';
import type { ScorerOptions } from '../scoring/scoring-runs.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import { GraphsBySize, type SizedGraph } from './graphs-by-size.ts';
import type { ReadyImage } from './images.ts';
import { makeInt8, reasonAgainst } from './int8-versions.ts';
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

export interface ScorersSetting {
  /** The explainer's thread budget. */
  readonly threads: number;
  /** What runs on changed inputs compute in. */
  readonly scoringPrecision?: ScoringPrecision;
}

type Kind = 'network' | 'tail';
/** A graph that scores, at one size. */
interface ScoringForm {
  readonly kind: Kind;
  /** Equal for requests that are scored by one graph, apart from sizes. */
  readonly key: string;
  readonly size: string;
  readonly build: () => ScoringGraph;
}
type Feeds = Readonly<Record<string, Tensor>>;

/** Why there is no int8 version. */
const NOTHING: Readonly<Record<Kind, string>> = {
  network: 'the model has no convolution or matrix product besides its first and last that int8 would make faster',
  tail: 'behind this layer there is no convolution or matrix product but the last one',
};
const NO_SESSION = { dispose: async () => {} };

/** Makes scorers over the explainer's sessions; perturbation runs use one-thread sessions of their own. */
export class Scorers {
  readonly #model: Model;
  readonly #cache: SessionUse;
  readonly #options: NetworkSessionOptions;
  readonly #threads: number;
  readonly #scoringPrecision: ScoringPrecision;
  readonly #graphs: GraphsBySize;

  constructor(
    model: Model,
    cache: SessionUse,
    options: NetworkSessionOptions,
    { threads, scoringPrecision = 'fp32' }: ScorersSetting,
  ) {
    this.#model = model;
    this.#cache = cache;
    this.#options = options;
    this.#threads = threads;
    this.#scoringPrecision = scoringPrecision;
    this.#graphs = new GraphsBySize(!isAccelerated(options.executionProviders));
  }

  /** Scores changed copies of the image itself. */
  pictures(request: PictureScorerRequest): PictureScorer {
    const { head, facts, feeds } = request;
    const { data, dims } = request.image.tensor;
    const build = () => networkGraph(this.#model, facts, head);
    const form = { kind: 'network', key: keyOf('network', request), size: request.size, build } as const;
    const { use, int8 } = this.#versions(form, feeds, facts, request.signal);
    return createPictureScorer({
      ...this.#common(request),
      input: { data, dims, layout: this.#model.input.layout },
      network: use,
      int8,
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
    const form = { kind: 'tail', key, size: request.size, build } as const;
    const versions = cut ? this.#versions(form, { ...feeds, ...kept }, facts, request.signal) : undefined;
    return createActivationScorer({
      ...this.#common(request),
      layer: request.activations,
      tail: versions?.use,
      int8: versions?.int8,
      linearTail,
    });
  }

  #common({ row, targets, batchSize, signal, onProgress }: Omit<PictureScorerRequest, 'image'>): ScorerOptions {
    const provider = isAccelerated(this.#options.executionProviders) ? 'accelerator' : 'cpu';
    return { row, targets, provider, threads: this.#threads, batchSize, signal, onProgress };
  }

  /** The float model, and where that is asked for its int8 version. */
  #versions(form: ScoringForm, feeds: Feeds, facts: FactTable, signal: AbortSignal | undefined) {
    return { use: this.#use(form, feeds, signal), int8: this.#useInt8(form, feeds, facts, signal) };
  }

  #useInt8(
    { kind, key, size, build }: ScoringForm,
    feeds: Feeds,
    facts: FactTable,
    signal: AbortSignal | undefined,
  ): UseInt8 | string | undefined {
    if (this.#scoringPrecision !== 'int8') return undefined;
    const accelerated = isAccelerated(this.#options.executionProviders);
    const reason = accelerated ? 'int8 is for CPUs' : reasonAgainst(this.#model);
    if (reason !== undefined) return reason;
    return task =>
      this.#cache.use(
        `int8 ${size} ${key}`,
        async signal => {
          const graph = build();
          const made = await makeInt8(graph, facts, this.#model.input.batch ?? 1, this.#options, { signal });
          return { session: made?.session ?? NO_SESSION, made, ...this.#named(graph, feeds) };
        },
        ({ made, names, ...named }) => {
          if (!made) return task(NOTHING[kind]);
          const observer = { ...named, session: made.session, output: made.rows, fixed: this.#fixed(names, feeds) };
          const open = async (ranges: Float64Array) => ({ ...observer, ...(await made.open(ranges, signal)) });
          return task({ observer, scores: named.output, values: made.values, open });
        },
        signal,
      );
  }

  /** `feeds` are fixed inputs of this image alone. */
  #use({ key, size, build }: ScoringForm, feeds: Feeds, signal: AbortSignal | undefined): UseModel {
    return async task => {
      const sized = await this.#graphs.at(key, size, async () => build(), signal);
      return this.#cache.use(
        sized.key,
        signal => this.#open(sized, feeds, signal),
        ({ names, ...model }) => task({ ...model, fixed: { ...this.#fixed(names, feeds), ...sized.feeds } }),
        signal,
      );
    };
  }

  async #open(sized: SizedGraph<ScoringGraph>, feeds: Feeds, signal: AbortSignal) {
    const session = await openSized(sized, { ...this.#options, intraOpNumThreads: 1 }, signal);
    const { shared, ...named } = this.#named(sized.made, feeds);
    return { ...named, session, shared: new Set([...shared, ...Object.keys(sized.feeds)]) };
  }

  /** Names of a graph's tensors, and which of its inputs belong to no item. */
  #named({ graph, input, output }: ScoringGraph, feeds: Feeds) {
    const names = new Set(graph.inputs.map(({ name }) => name));
    // What a readout is fed belongs to no image where its first size is given.
    const read = Object.keys(feeds).filter(name => names.has(name) && !hasDynamicBatch(graph, name));
    const whole = this.#model;
    const own = Object.keys(whole.fixedInputs).filter(name => !sharesBatch(whole.graph, name, whole.input.name));
    return { input, output, shared: new Set([...read, ...own]), batch: whole.input.batch, names };
  }

  /** What a graph with these inputs is fed besides its items. */
  #fixed(names: ReadonlySet<string>, feeds: Feeds): Feeds {
    const fixed = Object.entries(this.#model.fixedInputs).filter(([name]) => names.has(name));
    return { ...Object.fromEntries(fixed), ...feeds };
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
