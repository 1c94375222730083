import { checkCount, checkNames, checkObject } from './common/checks.ts';
import { OnnxCamError, throwIfAborted } from './common/errors.ts';
import { sideBySide } from './common/side-by-side.ts';
import type { ImageResults } from './explain/assemble-results.ts';
import { onInput } from './explain/detections.ts';
import type { Stage } from './explain/explain-run.ts';
import { explainThatFits } from './explain/explain-that-fits.ts';
import { groupRuns, type Work } from './explain/group-runs.ts';
import { headSetting, predictionsOf } from './explain/head-setting.ts';
import type { ExplainResult, PerImage, SeveralOptions, SingleOptions } from './explain/result-type.ts';
import { scoresOf } from './explain/run-targets.ts';
import { settleDetector } from './explain/settle-detector.ts';
import { similarImages, withEmbeddings } from './explain/similar-images.ts';
import type { Stages } from './explain/stages.ts';
import { findUnsupported, type SupportOptions } from './explain/unsupported.ts';
import { type DetectedSource, detectSource } from './image/source.ts';
import { openSource, runStream, type StreamResult, type StreamSource } from './io/picture-stream.ts';
import {
  type ExplainSource,
  type Reading,
  type ReadingCall,
  type ReadyImage,
  readImage,
  splitSources,
} from './network/images.ts';
import type { RunSchedule } from './network/run-schedule.ts';
import { checkExplainOptions, checkInputs, type ExplainOptions } from './options.ts';
import { type ExplainRequest, nthTarget, targetsOf } from './request/request.ts';
import { resolveFor, rowHead } from './request/targets.ts';
import type { Explanation, Prediction } from './result/explanation.ts';
import { parseTarget } from './targets/parse.ts';
import { headChoiceOf, outputOf, scoringGraphOf } from './targets/resolve.ts';
import type { Target } from './targets/target.ts';

/** Images per network run on a device; on a CPU more than one gain nothing. */
const DEVICE_BATCH = 4;

export interface StreamOptions extends ExplainOptions {
  /** Images in work at once (default: what keeps the thread budget busy, and one more that is decoded meanwhile). */
  concurrency?: number;
}

/** A layer that can be explained. */
export interface LayerListing {
  readonly name: string;
  readonly node: string;
  readonly operator: string;
  /** −1 where the size follows the batch. */
  readonly shape: readonly number[];
  /** True for the automatic choice. */
  readonly chosen: boolean;
  readonly reason: string | null;
}

/** What an explainer is made of. */
export interface ExplainerParts {
  readonly stages: Stages;
  readonly schedule: RunSchedule;
  readonly reading: Reading;
  readonly dispose: () => Promise<void>;
}

/** A loaded model that explains its predictions. Made by `load`; release it with `dispose`. */
export class Explainer {
  readonly #parts: ExplainerParts;
  #disposed: Promise<void> | undefined;

  constructor(parts: ExplainerParts) {
    this.#parts = parts;
  }

  /**
   * Explains one image or a batch.
   * @returns one explanation; an array for an array of images (or a tensor with N > 1), for `methods`, for a target that
   * stands for several and for layers with `fuse: false`, nested in this order.
   * @throws OnnxCamError; see `ErrorCode`.
   */
  async explain<S extends ExplainSource | readonly ExplainSource[]>(
    image: S,
    options: SeveralOptions,
  ): Promise<PerImage<S, Explanation[]>>;
  async explain<S extends ExplainSource | readonly ExplainSource[]>(
    image: S,
    options?: SingleOptions,
  ): Promise<PerImage<S, Explanation>>;
  async explain(image: ExplainSource | readonly ExplainSource[], options?: ExplainOptions): Promise<ExplainResult>;
  async explain(image: ExplainSource | readonly ExplainSource[], options: ExplainOptions = {}): Promise<ExplainResult> {
    this.#checkUsable();
    checkExplainOptions(options);
    throwIfAborted(options.signal);
    const { sources, several } = splitSources(image, this.#base.network.model.input);
    const given = targetsOf(options.target, sources.length);
    const results: ExplainResult[] = [];
    // Each output has layers of its own.
    for (const output of new Set(given.map(outputOf))) {
      const own = given.flatMap((target, i) => (outputOf(target) === output ? [i] : []));
      const work = { sources: own.map(i => sources[i]!), given: own.map(i => given[i]!), output };
      const explained = await this.#explainOutput(work, options);
      for (const [i, index] of own.entries()) results[index] = explained[i]!;
    }
    return several ? results : results[0]!;
  }

  /** Images whose targets name the same output. */
  async #explainOutput({ sources, given, output }: OfOutput, options: ExplainOptions): Promise<ExplainResult[]> {
    const { inputs } = options;
    const stage = await this.#parts.stages.of({ head: scoringGraph(given), output, inputs });
    const request = stage.requests.make(options);
    const compares = given.some(target => similarImages(target).length > 0);
    const targets = compares
      ? await this.#withEmbeddings(await this.#parts.stages.of({ inputs }), given, request.signal)
      : given;
    return this.#explainAll(stage, { sources, targets }, request, options);
  }

  /** The classes with the largest logits; of a detector the best candidate of each class. */
  async predict(
    image: ExplainSource,
    options: { topK?: number; signal?: AbortSignal; inputs?: ExplainOptions['inputs'] } = {},
  ): Promise<Prediction[]> {
    this.#checkUsable();
    checkObject(options, 'predict');
    checkNames(options, ['topK', 'signal', 'inputs'], 'predict');
    checkInputs(options.inputs);
    checkCount('topK', options.topK, 1);
    const { network, setting } = await this.#parts.stages.of({ inputs: options.inputs });
    const { sources, several } = splitSources(image, network.model.input);
    if (several) throw new OnnxCamError('ERR_INPUT_SHAPE', 'predict takes one image');
    if (!network.unsettled({})) rowHead(network, network.withDetection({}));
    const ready = await this.#read(sources[0]!, { signal: options.signal });
    await settleDetector(network, {}, ready, options.signal);
    const choice = network.withDetection({});
    rowHead(network, choice);
    const row = await scoresOf(network, ready.tensor, choice, options.signal);
    return predictionsOf(row, headSetting(setting, network, choice), options.topK ?? 5);
  }

  /** Every layer that a map can be made from, in the order of the network. */
  layers(): LayerListing[] {
    const { layers, automatic } = this.#base.network.model;
    return layers.map(({ name, node, operator, shape }) => {
      const chosen = automatic.find(one => one.name === name);
      return { name, node, operator, shape, chosen: chosen !== undefined, reason: chosen?.reason ?? null };
    });
  }

  /**
   * Explains the images of a folder (and of those in it), glob, array or (async) iterable, in order. A failing image yields
   * `{ input, error }` and the stream goes on; an abort ends it. No more than `concurrency` images are in work ahead of
   * the consumer. `target` may be an array with one for each image.
   * @throws what is wrong for every image, such as `ERR_METHOD_UNKNOWN`; `ERR_IMAGE_NOT_FOUND` for a folder or glob
   * without pictures; `ERR_ABORTED`
   */
  stream<T extends ExplainSource>(
    source: StreamSource<T>,
    options: StreamOptions = {},
  ): AsyncGenerator<StreamResult<T, ExplainResult>, void, void> {
    return Explainer.streamOver([this], source, options);
  }

  /** Behind the exported function `stream`, which says what it does. */
  static async *streamOver<T extends ExplainSource>(
    explainers: readonly Explainer[],
    source: StreamSource<T>,
    options: StreamOptions = {},
  ): AsyncGenerator<StreamResult<T, ExplainResult>, void, void> {
    checkExplainOptions(options, 'stream', ['concurrency']);
    const { concurrency, ...explainOptions } = options;
    checkCount('concurrency', concurrency, 1);
    if (!Array.isArray(explainers) || explainers.length === 0 || !explainers.every(one => one instanceof Explainer))
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        'stream takes an array of at least one explainer, as load gives them',
      );
    const pool = explainers.map(explainer => ({ explainer, running: 0 }));
    for (const { explainer } of pool) {
      explainer.#checkUsable();
      // What is wrong for every image is an error of the stream.
      explainer.#base.requests.make(explainOptions);
    }
    const task = async (input: T, index: number): Promise<ExplainResult> => {
      const idle = pool.reduce((best, one) => (one.running < best.running ? one : best));
      idle.running++;
      try {
        return await idle.explainer.explain(input, { ...explainOptions, target: nthTarget(options.target, index) });
      } finally {
        idle.running--;
      }
    };
    const atOnce = explainers.reduce((sum, explainer) => sum + (concurrency ?? explainer.concurrency), 0);
    yield* runStream(await openSource(source), task, { concurrency: atOnce, signal: options.signal });
  }

  /**
   * The methods of a list that cannot be run on this model with this layer and target, each with the error that
   * `explain` would give. Nothing is run for it; of `graph()` targets what the model itself allows is said.
   * @throws for what no other method mends: `ERR_METHOD_UNKNOWN`, `ERR_TARGET_UNKNOWN`, `ERR_TARGET_RANGE`,
   * `ERR_OPTION_INVALID`.
   */
  unsupported(methods: readonly string[], options: SupportOptions = {}): Map<string, OnnxCamError> {
    this.#checkUsable();
    const output = options.target === undefined ? undefined : outputOf(parseTarget(options.target));
    return findUnsupported(this.#parts.stages.ofOutput(output), methods, options);
  }

  /** How many images are worth explaining at the same time: `stream`'s default. */
  get concurrency(): number {
    return this.#parts.schedule.concurrency;
  }

  /** Hexadecimal SHA-256 of the model file. */
  sha256(): Promise<string> {
    return this.#base.network.model.sha256();
  }

  /** Releases the sessions; runs under way finish. Calling it again does no harm. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#parts.dispose();
    return this.#disposed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** The model as it was loaded. */
  get #base(): Stage {
    return this.#parts.stages.base;
  }

  /** Images in runs side by side, as the schedule has it. */
  async #explainAll(
    stage: Stage,
    { sources, targets }: { readonly sources: readonly DetectedSource[]; readonly targets: readonly Target[] },
    request: ExplainRequest,
    options: ExplainOptions,
  ): Promise<ExplainResult[]> {
    const { schedule } = this.#parts;
    const total = sources.length;
    const batchSize = stage.network.model.input.batch ?? options.batchSize ?? (schedule.sideBySide ? 1 : DEVICE_BATCH);
    const starts = Array.from({ length: Math.ceil(total / batchSize) }, (_, i) => i * batchSize);
    let done = 0;
    const end = schedule.begin(total);
    try {
      const chunks = await sideBySide(starts, schedule.concurrency, async from => {
        const part = { sources: sources.slice(from, from + batchSize), targets: targets.slice(from, from + batchSize) };
        const chunk = await this.#explainChunk(stage, part, request, batchSize);
        done += chunk.length;
        request.progress?.images({ done, total });
        return chunk.map((byMethod, i) => nest(byMethod, targets[from + i]!, options, request));
      });
      return chunks.flat();
    } finally {
      end();
    }
  }

  async #explainChunk(
    stage: Stage,
    { sources, targets }: { readonly sources: readonly DetectedSource[]; readonly targets: readonly Target[] },
    request: ExplainRequest,
    batchSize: number,
  ): Promise<ImageResults[]> {
    const { network, setting } = stage;
    const images = await Promise.all(sources.map(source => this.#read(source, request)));
    for (const target of new Set(targets))
      await settleDetector(network, headChoiceOf(target), images[0]!, request.signal);
    const work = images.map(
      (image, index): Work => ({
        image,
        index,
        targets: resolveFor(network, targets[index]!, setting.labels).map(one => onInput(one, image.placement)),
      }),
    );
    const results: ImageResults[] = [];
    for (const run of groupRuns(work, batchSize)) {
      const explained = await explainThatFits(stage, run, request);
      for (const [i, { index }] of run.entries()) results[index] = explained[i]!;
    }
    return results;
  }

  /** The targets with vectors in the place of pictures; a picture that several compare with is run once. */
  async #withEmbeddings(stage: Stage, targets: readonly Target[], signal: AbortSignal | undefined): Promise<Target[]> {
    const embedded = new Map<Target, Target>();
    for (const target of new Set(targets)) embedded.set(target, await this.#withEmbedding(stage, target, signal));
    return targets.map(target => embedded.get(target)!);
  }

  async #withEmbedding({ network }: Stage, target: Target, signal: AbortSignal | undefined): Promise<Target> {
    const images = similarImages(target);
    if (images.length === 0) return target;
    const output = outputOf(target);
    rowHead(network, { output });
    const vectors = new Map<unknown, Float32Array>();
    for (const image of images) {
      const ready = await this.#read(detectSource(image), { signal });
      const { logits } = await scoresOf(network, ready.tensor, { output }, signal);
      vectors.set(image, Float32Array.from(logits));
    }
    return withEmbeddings(target, image => vectors.get(image)!);
  }

  #read(source: DetectedSource, call: ReadingCall): Promise<ReadyImage> {
    return readImage(source, this.#base.network.model.input, this.#parts.reading, call);
  }

  #checkUsable(): void {
    if (this.#disposed) throw new OnnxCamError('ERR_DISPOSED', 'this explainer was disposed; load the model again');
  }
}

/**
 * `explainer.stream` over several explainers of one model, for machines with several GPUs: load it once for each
 * `deviceId`. Every image goes to the explainer that has the fewest in work, so that all of them stay busy; results come in
 * the order of the source all the same.
 * @param explainers at least one; they should give the same results
 * @param options `concurrency` is for each explainer
 * @throws as `explainer.stream`, and `ERR_OPTION_INVALID` without explainers
 */
export function stream<T extends ExplainSource>(
  explainers: readonly Explainer[],
  source: StreamSource<T>,
  options: StreamOptions = {},
): AsyncGenerator<StreamResult<T, ExplainResult>, void, void> {
  return Explainer.streamOver(explainers, source, options);
}

interface OfOutput {
  readonly sources: readonly DetectedSource[];
  readonly given: readonly Target[];
  readonly output: string | undefined;
}

/** The scoring graph that all targets read. */
function scoringGraph(targets: readonly Target[]): string | URL | Uint8Array | undefined {
  const graph = targets[0] && scoringGraphOf(targets[0]);
  if (targets.some(target => scoringGraphOf(target) !== graph))
    throw new OnnxCamError('ERR_OPTION_INVALID', 'one graph() serves all images of a call; make a call for each');
  return graph;
}

/** Drops the levels that the options don't ask for. */
function nest(
  byMethod: ImageResults,
  target: Target,
  options: ExplainOptions,
  { perLayer }: ExplainRequest,
): ExplainResult {
  const manyTargets = standsForSeveral(target);
  const methods = byMethod.map((byTarget): ExplainResult => {
    const targets = byTarget.map((byLayer): ExplainResult => (perLayer ? [...byLayer] : byLayer[0]!));
    return manyTargets ? targets : targets[0]!;
  });
  return options.methods ? methods : methods[0]!;
}

function standsForSeveral(target: Target): boolean {
  return target.kind === 'top' || (target.kind === 'output' && standsForSeveral(target.of));
}
