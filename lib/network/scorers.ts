import type { Progress } from '../common/progress.ts';
import { isAccelerated } from '../engine/providers.ts';
import { Session } from '../engine/session.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { serializeModel } from '../model/file/write.ts';
import type { FactTable } from '../model/graph/facts.ts';
import type { Model } from '../model/load-model.ts';
import { hasDynamicBatch, repeatBatch } from '../model/probe/probing-feeds.ts';
import { readoutForm } from '../plan/readout.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import { blockGraph, networkGraph, prefixInput, type ScoringGraph, tailGraph } from '../plan/scoring-graphs.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import { createScorer, type ScoringModel, type UseModel } from '../scoring/create-scorer.ts';
import type { Scorer } from '../scoring/scorer.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { ReadyImage } from './images.ts';
import type { NetworkSessionOptions } from './planned-session.ts';
import type { SessionUse } from './session-cache.ts';

/** What scoring one image's changed copies starts from. */
export interface ScorerRequest {
  readonly image: ReadyImage;
  readonly row: ScoreRow;
  readonly targets: readonly ResolvedTarget[];
  readonly layer: TargetLayer;
  /** The layer's normalisation, which is changed together with it; its channels follow the layer's. */
  readonly entry?: TargetLayer;
  /** The layer's activations for this image, [1, C, h, w]. */
  readonly activations: FeatureMaps;
  /** Their gradients, where the logits are an affine function of the layer. */
  readonly linearTail?: FeatureMaps;
  /** The image's tokens before those of the picture [1, P, D], of layers that have some. */
  readonly prefix?: Tensor<'float32'>;
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

/** Makes scorers over the explainer's sessions; perturbation runs use one-thread sessions of their own. */
export class Scorers {
  readonly #model: Model;
  readonly #cache: SessionUse;
  readonly #options: NetworkSessionOptions;
  readonly #threads: number;

  constructor(model: Model, cache: SessionUse, options: NetworkSessionOptions, threads: number) {
    this.#model = model;
    this.#cache = cache;
    this.#options = options;
    this.#threads = threads;
  }

  scorer(request: ScorerRequest): Scorer {
    const { input } = this.#model;
    const { image, layer, entry, head, facts, size } = request;
    const build = () =>
      entry ? blockGraph(this.#model, facts, head, [layer, entry]) : tailGraph(this.#model, facts, head, layer);
    const { data, dims } = image.tensor;
    const form = `${size} ${head.output} ${Object.keys(request.feeds)} ${head.classes} ${readoutForm(head.readout)}`;
    const { feeds } = request;
    const accelerated = isAccelerated(this.#options.executionProviders);
    return createScorer({
      input: { data, dims, layout: input.layout },
      layer: request.activations,
      row: request.row,
      targets: request.targets,
      network: this.#use(`network ${form}`, () => networkGraph(this.#model, facts, head), feeds),
      tail:
        (layer.tokens?.prefix ?? 0) > 0 && !request.prefix
          ? undefined
          : this.#use(`${entry ? 'block' : 'tail'} ${form} ${layer.name}`, build, {
              ...feeds,
              ...(request.prefix && { [prefixInput(layer)]: repeatBatch(request.prefix, input.batch ?? 1) }),
            }),
      linearTail: request.linearTail,
      provider: accelerated ? 'accelerator' : 'cpu',
      threads: this.#threads,
      batchSize: request.batchSize,
      signal: request.signal,
      onProgress: request.onProgress,
    });
  }

  /** `feeds` are fixed inputs of this image alone. */
  #use(key: string, build: () => ScoringGraph, feeds: Readonly<Record<string, Tensor>>): UseModel {
    return task =>
      this.#cache.use(
        key,
        async (): Promise<ScoringModel> => {
          const { graph, input, output } = build();
          const { model, externalFiles } = serializeModel(graph);
          const session = await Session.create(model, { ...this.#options, intraOpNumThreads: 1, externalFiles });
          const names = new Set(graph.inputs.map(({ name }) => name));
          const fixed = Object.entries(this.#model.fixedInputs).filter(([name]) => names.has(name));
          return {
            session,
            input,
            output,
            fixed: Object.fromEntries(fixed),
            // What a readout is fed belongs to no image where its first size is given.
            shared: new Set(Object.keys(feeds).filter(name => names.has(name) && !hasDynamicBatch(graph, name))),
            batch: this.#model.input.batch,
          };
        },
        model => task({ ...model, fixed: { ...model.fixed, ...feeds } }),
      );
  }
}
