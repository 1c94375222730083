import { checkCount, checkNames, checkObject } from './common/checks.ts';
import { OnnxCamError, throwIfAborted } from './common/errors.ts';
import { AT_ONCE, type InPlace } from './explain/admission.ts';
import { checkEvaluateOptions, type EvaluateOptions, type NamedTensor } from './explain/evaluate-options.ts';
import type { Evaluation } from './explain/evaluation.ts';
import { type CallParts, ExplainCalls } from './explain/explain-call.ts';
import { headSetting, predictionsOf } from './explain/head-setting.ts';
import type { MapInput } from './explain/map-at-input.ts';
import { MeasureCalls } from './explain/measure-call.ts';
import { checkMeasureOptions, type MeasureOptions, type Measuring } from './explain/measure-options.ts';
import type {
  ExplainImages,
  ExplainResult,
  NoLevel,
  OneLevel,
  PerImage,
  ThreeLevels,
  TwoLevels,
} from './explain/result-type.ts';
import { scoresOf } from './explain/run-targets.ts';
import { settleDetector } from './explain/settle-detector.ts';
import type { Stage } from './explain/stage.ts';
import { startEvaluation } from './explain/start-evaluation.ts';
import { type ImageStream, type StreamingExplainer, streamImages } from './explain/stream-images.ts';
import { findUnsupported, type SupportOptions } from './explain/unsupported.ts';
import { exportModel } from './export/export-model.ts';
import { checkExportOptions, type ExportOptions } from './export/export-options.ts';
import type { DetectedSource } from './image/source.ts';
import type { StreamSource } from './io/picture-stream.ts';
import type { MetricSpec } from './metrics/choose.ts';
import type { Measurements, MeasurementsOf } from './metrics/measurement.ts';
import { type ExplainSource, type ReadingCall, type ReadyImage, readImage, splitSources } from './network/images.ts';
import {
  type AtOnce,
  checkExplainOptions,
  checkInputs,
  type ExplainOptions,
  type LayerListing,
  type PredictOptions,
  type StreamOptions,
} from './options.ts';
import { targetsOf } from './request/request.ts';
import { rowHead } from './request/targets.ts';
import type { Explanation } from './result/explanation.ts';
import type { Prediction } from './result/explanation-fields.ts';
import { parseTarget } from './targets/parse.ts';
import { outputOf } from './targets/resolve.ts';

/** What an explainer is made of. */
export interface ExplainerParts extends CallParts {
  readonly dispose: () => Promise<void>;
}

/** A loaded model that explains its predictions. Made by `load`; release it with `dispose`. */
export class Explainer {
  readonly #parts: ExplainerParts;
  readonly #calls: ExplainCalls;
  readonly #measuring: MeasureCalls;
  #disposed: Promise<void> | undefined;

  /** @internal */
  constructor(parts: ExplainerParts) {
    this.#parts = parts;
    this.#calls = new ExplainCalls(parts);
    this.#measuring = new MeasureCalls(parts);
  }

  /**
   * Explains one image or a batch.
   * @returns one explanation; an array for an array of images (or a tensor with N > 1), for `methods`, for several targets of an image
   * (an array, or one that stands for several) and for layers with `fuse: false`, nested in this order.
   * @throws `ERR_OPTION_INVALID`, `ERR_METHOD_UNKNOWN`, `ERR_METHOD_UNSUPPORTED`, `ERR_TARGET_UNKNOWN`, `ERR_TARGET_RANGE`,
   * `ERR_LAYER_NOT_FOUND`, `ERR_NO_SPATIAL_LAYER`, `ERR_NO_GRADIENT` for what was asked of this model; `ERR_IMAGE_NOT_FOUND`,
   * `ERR_IMAGE_INVALID`, `ERR_INPUT_SHAPE` for the image; `ERR_MODEL_NOT_FOUND`, `ERR_MODEL_INVALID`, `ERR_MODEL_UNSUPPORTED`,
   * `ERR_EXTERNAL_DATA` for a target's graph or the model itself; `ERR_RUNTIME`, `ERR_OUT_OF_MEMORY` for what running it meets;
   * `ERR_BUSY`, `ERR_ABORTED`, `ERR_DISPOSED`
   */
  async explain<S extends ExplainImages>(image: S, options: ThreeLevels<S>): Promise<PerImage<S, Explanation[][][]>>;
  async explain<S extends ExplainImages>(image: S, options: TwoLevels<S>): Promise<PerImage<S, Explanation[][]>>;
  async explain<S extends ExplainImages>(image: S, options: OneLevel<S>): Promise<PerImage<S, Explanation[]>>;
  async explain<S extends ExplainImages>(image: S, options?: NoLevel<S>): Promise<PerImage<S, Explanation>>;
  async explain(image: ExplainImages, options?: ExplainOptions): Promise<ExplainResult>;
  async explain(image: ExplainImages, options: ExplainOptions = {}): Promise<ExplainResult> {
    this.#checkUsable();
    checkExplainOptions(options);
    throwIfAborted(options.signal);
    const { admission } = this.#parts;
    return admission.call(() => this.#explain(image, options, admission.inPlace));
  }

  async #explain(
    image: ExplainSource | readonly ExplainSource[],
    options: ExplainOptions,
    inPlace: InPlace,
  ): Promise<ExplainResult> {
    throwIfAborted(options.signal);
    const { sources, inputs, several } = splitSources(image, this.#base.network.model.input);
    const given = targetsOf(options.target, sources.length, several);
    // A call for one image waits as a whole, so that calls begin in the order of asking.
    const results = await (sources.length === 1
      ? inPlace(() => this.#calls.explain(sources, given, options, { inPlace: AT_ONCE, inputs }), options.signal)
      : this.#calls.explain(sources, given, options, { inPlace, inputs }));
    return several ? results : results[0]!;
  }

  /**
   * Measures one map of an image, or several: does it tell what the network looked at?
   * @returns a record by metric name; an array of records for `maps`, or an array as `map`
   * @throws `ERR_METRIC_UNKNOWN`, `ERR_OPTION_INVALID`, `ERR_INPUT_SHAPE` for a map of another size, `ERR_TRUTH_INVALID`, and what
   * `explain` throws
   */
  async measure<const M extends readonly MetricSpec[]>(
    image: ExplainSource,
    options: Measuring<M> & { readonly map: MapInput },
  ): Promise<MeasurementsOf<M>>;
  async measure<const M extends readonly MetricSpec[]>(
    image: ExplainSource,
    options: Measuring<M> & ({ readonly map: readonly MapInput[] } | { readonly maps: readonly MapInput[] }),
  ): Promise<MeasurementsOf<M>[]>;
  async measure(image: ExplainSource, options: MeasureOptions): Promise<Measurements | Measurements[]>;
  async measure(
    image: ExplainSource,
    options: Omit<MeasureOptions, 'map'> & { readonly map?: MapInput | readonly MapInput[] | undefined },
  ): Promise<Measurements | Measurements[]> {
    this.#checkUsable();
    const several = Array.isArray(options?.map)
      ? { ...options, map: undefined, maps: options.map }
      : (options as MeasureOptions);
    checkMeasureOptions(several);
    return this.#ofOneImage(image, 'measure', several.signal, async source => {
      const results = await this.#measuring.measure(image, source, several, this.#parts.admission.inPlace);
      return several.maps ? results : results[0]!;
    });
  }

  /**
   * Explains the images of a folder, glob, array or (async) iterable by several methods and measures every map: an async iterable
   * of rows, one for each image, map and metric, in the order of the images. A failing image is a row with `error`.
   * `summary()` says what all rows say, `save(folder)` writes them.
   * @throws what is wrong for every image, such as `ERR_METHOD_UNKNOWN`, `ERR_METRIC_UNKNOWN`; while rows are read `ERR_IMAGE_NOT_FOUND`
   * for a folder without pictures, `ERR_TRUTH_INVALID`, `ERR_ABORTED`
   */
  evaluate<T extends ExplainSource | NamedTensor>(source: StreamSource<T>, options: EvaluateOptions = {}): Evaluation {
    this.#checkUsable();
    checkEvaluateOptions(options);
    return startEvaluation({ ...this.#parts, calls: this.#measuring }, source, options);
  }

  /**
   * The classes with the largest logits; of a detector the best candidate of each class.
   * @throws `ERR_OPTION_INVALID`; `ERR_MODEL_UNSUPPORTED` for an output without one score per class; `ERR_IMAGE_NOT_FOUND`, `ERR_IMAGE_INVALID`,
   * `ERR_INPUT_SHAPE`, also for several images; `ERR_RUNTIME`, `ERR_OUT_OF_MEMORY`, `ERR_BUSY`, `ERR_ABORTED`, `ERR_DISPOSED`
   */
  async predict(image: ExplainSource, options: PredictOptions = {}): Promise<Prediction[]> {
    this.#checkUsable();
    checkObject(options, 'predict');
    checkNames(options, ['topK', 'signal', 'inputs'], 'predict');
    checkInputs(options.inputs);
    checkCount('topK', options.topK, 1);
    return this.#ofOneImage(image, 'predict', options.signal, source =>
      this.#parts.admission.inPlace(() => this.#predict(source, options), options.signal),
    );
  }

  async #predict(source: DetectedSource, options: PredictOptions): Promise<Prediction[]> {
    const { network, setting } = await this.#parts.stages.of({ inputs: options.inputs, signal: options.signal });
    if (!network.unsettled({})) rowHead(network, network.withDetection({}));
    const ready = await this.#read(source, { signal: options.signal });
    await settleDetector(network, {}, ready, options.signal);
    const choice = network.withDetection({});
    rowHead(network, choice);
    const row = await scoresOf(network, ready.tensor, choice, options.signal);
    return predictionsOf(row, headSetting(setting, network, choice), options.topK ?? 5);
  }

  /**
   * The model with the explanation inside, an ordinary ONNX file for every runtime: its own outputs, first and unchanged, and then
   * `saliency_map` [N,1,h,w], float32 in [0, 1] as the `paper` convention stretches it, or uint8. External weights stay where they are.
   * @throws `ERR_METHOD_UNSUPPORTED` for a method that cannot be written as nodes, with the list of those that can;
   * `ERR_MODEL_UNSUPPORTED` for a model that was exported already or that one file cannot hold, and what `explain` throws
   */
  async export(options: ExportOptions = {}): Promise<Uint8Array> {
    this.#checkUsable();
    checkExportOptions(options);
    throwIfAborted(options.signal);
    const { stages, reading, admission } = this.#parts;
    return admission.call(() => exportModel({ stages, calls: this.#calls, ...reading }, options));
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
   * the consumer. An array as `target` is several targets of each image. `total` of what is returned says how many there are as soon as
   * they are listed; `onProgress` hears of every image, the failed as well.
   * @throws what is wrong for every image, such as `ERR_METHOD_UNKNOWN`; `ERR_IMAGE_NOT_FOUND` for a folder or glob
   * without pictures; `ERR_ABORTED`
   */
  stream<T extends ExplainSource>(
    source: StreamSource<T>,
    options: AtOnce & ThreeLevels<T>,
  ): ImageStream<T, Explanation[][][]>;
  stream<T extends ExplainSource>(
    source: StreamSource<T>,
    options: AtOnce & TwoLevels<T>,
  ): ImageStream<T, Explanation[][]>;
  stream<T extends ExplainSource>(
    source: StreamSource<T>,
    options: AtOnce & OneLevel<T>,
  ): ImageStream<T, Explanation[]>;
  stream<T extends ExplainSource>(source: StreamSource<T>, options?: AtOnce & NoLevel<T>): ImageStream<T, Explanation>;
  stream<T extends ExplainSource>(source: StreamSource<T>, options?: StreamOptions): ImageStream<T, ExplainResult>;
  stream<T extends ExplainSource>(source: StreamSource<T>, options: StreamOptions = {}): ImageStream<T, ExplainResult> {
    return Explainer.streamOver([this], source, options);
  }

  /**
   * Behind the exported function `stream`, which says what it does.
   * @internal
   */
  static streamOver<T extends ExplainSource>(
    explainers: readonly Explainer[],
    source: StreamSource<T>,
    options: StreamOptions = {},
  ): ImageStream<T, ExplainResult> {
    const streaming = (): StreamingExplainer[] => {
      checkExplainOptions(options, 'stream', ['concurrency']);
      checkCount('concurrency', options.concurrency, 1);
      if (!Array.isArray(explainers) || explainers.length === 0 || !explainers.every(one => one instanceof Explainer))
        throw new OnnxCamError(
          'ERR_OPTION_INVALID',
          'stream takes an array of at least one explainer, as load gives them',
        );
      return explainers.map(one => one.#streaming);
    };
    return streamImages(streaming, source, options);
  }

  /**
   * Names of the classes of its own output, by index; null where none are known.
   * @internal
   */
  static labelsOf(explainer: Explainer): readonly string[] | null {
    const { setting, network } = explainer.#base;
    return setting.labels?.of(network.model.logits.classes)?.names ?? null;
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

  /** Hexadecimal SHA-256 of the model file, as it was read. */
  sha256(): Promise<string> {
    return this.#base.network.model.sha256();
  }

  /**
   * Calls of `explain`, `predict` and `measure` that were accepted and have not settled, whether they wait or are in work: what
   * `maxQueue` limits. An array of images is one call. Images of `stream` and `evaluate` do not count: these take no more than
   * their `concurrency` at once by themselves.
   */
  get pending(): number {
    return this.#parts.admission.pending;
  }

  /** Releases the sessions; runs under way finish, calls that wait end with `ERR_DISPOSED`. Calling it again does no harm. */
  dispose(): Promise<void> {
    this.#parts.admission.close();
    this.#disposed ??= this.#parts.dispose();
    return this.#disposed;
  }

  /** The same, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** The model as it was loaded. */
  get #base(): Stage {
    return this.#parts.stages.base;
  }

  /** Images of a stream hold themselves back: they neither wait nor count. */
  get #streaming(): StreamingExplainer {
    return {
      concurrency: this.concurrency,
      check: options => {
        this.#checkUsable();
        this.#base.requests.make(options);
      },
      explain: async (image, options) => {
        this.#checkUsable();
        return this.#explain(image, options, AT_ONCE);
      },
    };
  }

  /** A call about one image. @param task takes a place for it */
  async #ofOneImage<T>(
    image: ExplainSource,
    what: string,
    signal: AbortSignal | undefined,
    task: (source: DetectedSource) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal);
    const { admission, schedule } = this.#parts;
    return admission.call(async () => {
      const { sources, several } = splitSources(image, this.#base.network.model.input);
      if (several) throw new OnnxCamError('ERR_INPUT_SHAPE', `${what} takes one image`);
      const end = schedule.begin(1);
      try {
        return await task(sources[0]!);
      } finally {
        end();
      }
    });
  }

  #read(source: DetectedSource, call: ReadingCall): Promise<ReadyImage> {
    return readImage(source, this.#base.network.model.input, this.#parts.reading, call);
  }

  #checkUsable(): void {
    if (this.#disposed) throw new OnnxCamError('ERR_DISPOSED', 'this explainer was disposed; load the model again');
  }
}
