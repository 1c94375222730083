import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { Recent } from '../common/recent.ts';
import { RecentWork } from '../common/shared-work.ts';
import { inSteps, type Steps } from '../common/slices.ts';
import { DeviceTensor } from '../engine/device-tensor.ts';
import type { Precision } from '../engine/precision.ts';
import { precisionOf, type UsedPrecision } from '../engine/precision.ts';
import { isAccelerated } from '../engine/providers.ts';
import type { Session } from '../engine/session.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { Detector } from '../model/find/detector.ts';
import type { Logits } from '../model/find/logits.ts';
import type { FactTable } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import type { Model } from '../model/load-model.ts';
import { repeatBatch, sharesBatch } from '../model/probe/probing-feeds.ts';
import { type Candidates, detectionHead } from '../plan/detection-readout.ts';
import { ofEachPass, type PassKind } from '../plan/passes/index.ts';
import { type NetworkPlan, planKey } from '../plan/plan.ts';
import { type PlannedGraph, planSteps } from '../plan/plan-graph.ts';
import { readoutFeeds, readoutHead } from '../plan/readout.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import { type DetectionFormat, parseDetection } from '../targets/detection.ts';
import type { HeadChoice, ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import { GraphsBySize, type SizedGraph } from './graphs-by-size.ts';
import type { NetworkSessionOptions } from './planned-session.ts';
import { openPlanned, openSized, type PlannedSession } from './planned-session.ts';
import { mapsOf, NO_MAPS, scoreRows } from './run-outputs.ts';
import type { RunSchedule } from './run-schedule.ts';
import { seedTensors } from './seeds.ts';
import type { SessionUse } from './session-cache.ts';

/** Sizes whose facts are kept; more would grow without end on pictures of many sizes. */
const KEPT_SIZES = 8;
const KEPT_DETECTORS = 16;

const NO_PASSES = ofEachPass(() => NO_MAPS);
const NO_FEEDS: Readonly<Record<string, Tensor>> = {};

const NAME_IT = 'say which with the option `detector` (--detector FORMAT) or detection({ format }) as target';

/** What to do where outputs may be read in two ways. */
const HOW_TO_SAY = {
  objectness: `${NAME_IT}, or give labels for all classes`,
  scores: `${NAME_IT}, or give labels for all classes`,
  order: NAME_IT,
} as const;

/** Why a session computes in another precision than was asked for. */
const REASONS: Readonly<Record<UsedPrecision, string>> = {
  fp16: 'the model itself computes in float16',
  tf32: 'the provider options say TF32',
  fp32: 'TF32 is CUDA arithmetic, here float32 was used',
};

/** What a network is told besides. */
export interface NetworkSetting {
  readonly precision?: Precision;
  /** Of all networks of an explainer. */
  readonly schedule: RunSchedule;
}

/** What one run of the network gave. */
export interface NetworkResult {
  /** One for each image. */
  readonly rows: readonly ScoreRow[];
  /** Where the plan asks for it: the region each image's scores are sums over, in the layout of the head's tensor. */
  readonly region?: Tensor<'bool'>;
  /** Of detections, where the plan asks for it. */
  readonly candidates?: Candidates;
  /** By layer name; [images, C, h, w]. */
  readonly activations: ReadonlyMap<string, FeatureMaps>;
  /** By layer name; one for each image, or one for each target of the only image. */
  readonly gradients: ReadonlyMap<string, FeatureMaps>;
  /** By kind and layer name, as many as the gradients. */
  readonly passes: Readonly<Record<PassKind, ReadonlyMap<string, FeatureMaps>>>;
  readonly milliseconds: number;
  readonly precision: UsedPrecision;
  readonly warnings: readonly string[];
  /** Gives the memory of tensors on a device back, which may not be read after it. */
  release(): void;
}

export interface NetworkRun {
  /** Stacked images [N, …] in the model's layout. */
  readonly images: Tensor<'float32'>;
  readonly plan: NetworkPlan;
  readonly layers: readonly TargetLayer[];
  /** One for each image, or several for one image (`plan.manyScores`). */
  readonly targets: readonly ResolvedTarget[];
  /** Leaves activations and gradients on the session's device, if it has one (default: all comes to the CPU). */
  readonly keep?: boolean;
  readonly signal?: AbortSignal;
}

/** A run of a graph of another kind than plans are, made from the same model. */
export interface GraphRun<G extends { readonly graph: Graph }> {
  /** Names the graph among the explainer's sessions. */
  readonly key: string;
  /** Of the pictures. */
  readonly size: string;
  build(): Steps<G>;
  /** Besides the model's fixed inputs. */
  feeds(made: G): Readonly<Record<string, Tensor>>;
  fetches(made: G): readonly string[];
  /** Rows of the run, for which fixed inputs are repeated. */
  readonly batch: number;
  readonly signal?: AbortSignal;
}

interface NetworkSession extends PlannedSession {
  readonly precision: UsedPrecision;
  /** What every result of the session is told. */
  readonly warnings: readonly string[];
}

/** Runs a model's rewritten graphs; sessions are made on first need and shared by equal plans. */
export class Network {
  readonly model: Model;
  readonly #cache: SessionUse;
  readonly #options: NetworkSessionOptions;
  readonly #schedule: RunSchedule;
  /** By output and format: finding one walks the whole graph, and a call asks several times. */
  readonly #detectors = new Recent<string, Detector | undefined>(KEPT_DETECTORS);
  /** By output: what values have told of it. */
  readonly #settled = new Map<string, { readonly format: DetectionFormat; readonly note: string }>();
  readonly #precision: Precision;
  readonly #graphs: GraphsBySize;
  readonly #factsBySize = new RecentWork<string, FactTable>(KEPT_SIZES);

  constructor(
    model: Model,
    cache: SessionUse,
    options: NetworkSessionOptions,
    { precision = 'auto', schedule }: NetworkSetting,
  ) {
    this.#schedule = schedule;
    this.#precision = precision;
    this.model = model;
    this.#cache = cache;
    this.#options = options;
    this.#graphs = new GraphsBySize(this.blocks);
  }

  /** Plans are written for the runtime's own kernels on CPUs. */
  get blocks(): boolean {
    return !isAccelerated(this.#options.executionProviders);
  }

  /**
   * The head that a target reads: of the model's own output, or the one with this name.
   * @throws `ERR_OPTION_INVALID` for an output that the model doesn't have, `ERR_MODEL_UNSUPPORTED` for one that the
   * target cannot be read from
   */
  head({ output, readout }: HeadChoice): ScoreHead {
    if (readout?.kind === 'detection' || readout?.kind === 'detection-similarity')
      return detectionHead(this.detector(output, readout.format), readout, this.model, output);
    return readoutHead(this.#output(output), readout);
  }

  /**
   * What a target without a readout of its own reads: of a detector the logit of each class's best candidate.
   * @param assume outputs that may be read in two ways are taken in the first, which has what both have in common
   * @throws `ERR_MODEL_UNSUPPORTED` for such outputs otherwise, unless values have settled them
   */
  withDetection(choice: HeadChoice, assume = false): HeadChoice {
    const { output, readout } = choice;
    if (this.model.scored || (readout && (readout.kind !== 'detection' || readout.format))) return choice;
    const detector = this.detector(output);
    if (!detector || (!readout && !this.#isReadOf(detector, output))) return choice;
    const settled = this.#settled.get(output ?? '');
    if (detector.ambiguous && !settled && !assume)
      throw new OnnxCamError(
        'ERR_MODEL_UNSUPPORTED',
        `${detector.ambiguous.text}; ${HOW_TO_SAY[detector.ambiguous.doubt]}`,
      );
    const format = settled && { format: settled.format };
    if (readout) return { ...choice, readout: { ...readout, ...format } };
    return { output, readout: { ...parseDetection({}), ...format, value: 'logit' } };
  }

  /** The detector whose outputs may be read in two ways, where neither the user nor values have said which. */
  unsettled({ output, readout }: HeadChoice): Detector | undefined {
    if (this.model.scored || (readout && (readout.kind !== 'detection' || readout.format))) return undefined;
    const detector = this.detector(output);
    const read = detector?.ambiguous && (readout !== undefined || this.#isReadOf(detector, output));
    return read && !this.#settled.has(output ?? '') ? detector : undefined;
  }

  /** Values have told how an output is to be read; what was told first stays. @param note what its results are told */
  settle(output: string | undefined, format: DetectionFormat, note: string): void {
    if (!this.#settled.has(output ?? '')) this.#settled.set(output ?? '', { format, note });
  }

  /** The detector behind an output, or all outputs; undefined where none is recognised. */
  detector(output?: string, format?: DetectionFormat): Detector | undefined {
    const found = this.#detectors.get(JSON.stringify([output, format]), () => this.model.detectorOf(output, format));
    const settled = this.#settled.get(output ?? '');
    return found && settled && settled.format.name === format?.name ? { ...found, note: settled.note } : found;
  }

  #isReadOf(detector: Detector, output: string | undefined): boolean {
    const { boxes, scores, labels } = detector;
    const read = [detector.output, boxes.tensor, scores.tensor, labels?.tensor];
    return detector.certain && read.includes(this.#output(output).output);
  }

  #output(output: string | undefined): Logits {
    if (output === undefined || output === this.model.logits.output) return this.model.logits;
    return this.model.logitsOf(output);
  }

  /**
   * @throws `ERR_NO_GRADIENT`, `ERR_RUNTIME`, `ERR_ABORTED`, and what creating a session throws.
   */
  async run(asked: NetworkRun): Promise<NetworkResult> {
    const { images, plan, layers, signal } = asked;
    throwIfAborted(signal);
    const head = this.head(plan);
    const size = this.sizeOf(images);
    const threads = this.#schedule.share;
    const { model, blocks } = this;
    const build = async (signal: AbortSignal) =>
      inSteps(planSteps(model, await this.factsFor(size, signal), head, layers, plan, { blocks }), signal);
    const sized = await this.#graphs.at(planKey(plan, layers), size, build, signal);
    return this.#cache.use(
      `${threads} ${sized.key}`,
      signal => this.#create(sized, threads, signal),
      session => this.#runPlanned(session, sized.feeds, head, asked, threads),
      signal,
    );
  }

  async #runPlanned(
    { session, planned, fetches, kept, furtherPasses, precision, warnings }: NetworkSession,
    constants: Readonly<Record<string, Tensor>>,
    head: ScoreHead,
    { images, plan, targets, keep, signal }: NetworkRun,
    threads: number,
  ): Promise<NetworkResult> {
    const batch = images.dims[0]!;
    const feeds: Record<string, Tensor> = { ...constants, [planned.input]: images };
    if (head.readout) Object.assign(feeds, readoutFeeds(head, await this.factsFor(this.sizeOf(images), signal)));
    if (plan.seed) Object.assign(feeds, seedTensors(plan.seed, targets, head.classes, planned));
    Object.assign(feeds, this.#fixedInputs(batch));
    let milliseconds = 0;
    const runOnce = async () => {
      const start = performance.now();
      try {
        return await (keep && session.onDevice
          ? session.runKept(feeds, fetches, kept, { signal })
          : session.run(feeds, fetches, { signal }));
      } finally {
        milliseconds = performance.now() - start;
      }
    };
    const outputs = await this.#schedule.run(runOnce, threads, signal);
    const { candidates, region, passes } = planned;
    return {
      rows: scoreRows(outputs[planned.logits]!.data as Float32Array, batch, head),
      region: region ? (outputs[region] as Tensor<'bool'>) : undefined,
      candidates: candidates && {
        boxes: outputs[candidates.boxes] as FeatureMaps,
        confidences: outputs[candidates.confidences] as FeatureMaps,
      },
      activations: mapsOf(planned.activations, outputs),
      gradients: mapsOf(planned.gradients, outputs),
      passes: furtherPasses ? ofEachPass(kind => mapsOf(passes[kind], outputs)) : NO_PASSES,
      milliseconds,
      precision,
      warnings,
      release: () => {
        for (const tensor of Object.values(outputs)) if (tensor instanceof DeviceTensor) tensor.release();
      },
    };
  }

  /** Runs a graph once, in turn with all others. @throws what `build`, creating a session, and a run throw */
  async runGraph<G extends { readonly graph: Graph }>(run: GraphRun<G>): Promise<Record<string, Tensor>> {
    const { key, size, build, feeds, fetches, batch, signal } = run;
    const threads = this.#schedule.share;
    const sized = await this.#graphs.at(key, size, signal => inSteps(build(), signal), signal);
    const { made } = sized;
    const fed = { ...sized.feeds, ...feeds(made), ...this.#fixedInputs(batch) };
    return this.#cache.use(
      `${threads} ${sized.key}`,
      async signal => ({ session: await openSized(sized, this.#withThreads(threads), signal) }),
      ({ session }) => this.#schedule.run(() => session.run(fed, fetches(made), { signal }), threads, signal),
      signal,
    );
  }

  /** Height × width of the input, of volumes and clips depth × height × width. */
  sizeOf({ dims }: Pick<Tensor, 'dims'>): string {
    const { layout } = this.model.input;
    if (layout === 'nchw') return `${dims[2]}x${dims[3]}`;
    if (layout === 'ntchw') return [dims[1], ...dims.slice(-2)].join('x');
    return (layout === 'nhwc' ? dims.slice(1, 3) : dims.slice(2)).join('x');
  }

  /** Shapes at the size that is fed: models that take any size are probed once for each. */
  factsFor(size: string, signal?: AbortSignal): Promise<FactTable> {
    const { input, facts } = this.model;
    const probed = facts.get(input.name)!;
    if (size === this.sizeOf(probed)) return Promise.resolve(facts);
    const [width, height, depth] = size.split('x').map(Number).reverse() as [number, number, number?];
    return this.#factsBySize.get(size, signal => this.model.factsFor(width, height, depth, signal), signal);
  }

  #fixedInputs(batch: number): Readonly<Record<string, Tensor>> {
    const { fixedInputs, input, graph } = this.model;
    if (Object.keys(fixedInputs).length === 0) return NO_FEEDS;
    const repeated = (name: string, tensor: Tensor) =>
      input.batch === undefined && sharesBatch(graph, name, input.name) ? repeatBatch(tensor, batch) : tensor;
    return Object.fromEntries(Object.entries(fixedInputs).map(([name, tensor]) => [name, repeated(name, tensor)]));
  }

  /** What a session computes in, and a warning where that is not what was asked for. */
  #used(session: Session): Pick<NetworkSession, 'precision' | 'warnings'> {
    const wanted = this.#precision;
    const { half } = this.model;
    const precision = precisionOf(session, { providers: this.#options.executionProviders, half });
    const missed = wanted !== 'auto' && wanted !== precision;
    const warnings = missed ? [`precision '${wanted}' was asked for: ${REASONS[precision]}`] : [];
    return { precision, warnings: [...session.warnings, ...warnings] };
  }

  async #create(sized: SizedGraph<PlannedGraph>, threads: number, signal: AbortSignal): Promise<NetworkSession> {
    const opened = await openPlanned(sized, this.#withThreads(threads), signal);
    return { ...opened, ...this.#used(opened.session) };
  }

  #withThreads(threads: number): NetworkSessionOptions {
    return { ...this.#options, intraOpNumThreads: threads };
  }
}
