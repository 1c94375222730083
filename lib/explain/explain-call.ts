import { OnnxCamError } from '../common/errors.ts';
import { sideBySide } from '../common/side-by-side.ts';
import { type DetectedSource, detectSource } from '../image/source.ts';
import { type Reading, type ReadingCall, type ReadyImage, readImage } from '../network/images.ts';
import type { RunSchedule } from '../network/run-schedule.ts';
import type { ExplainOptions } from '../options.ts';
import { CallProgress } from '../request/call-progress.ts';
import type { ExplainRequest } from '../request/request.ts';
import { resolveFor, rowHead } from '../request/targets.ts';
import { headChoiceOf, outputOf, scoringGraphOf } from '../targets/resolve.ts';
import type { Target } from '../targets/target.ts';
import type { Admission, InPlace } from './admission.ts';
import type { ImageResults } from './assemble-results.ts';
import { scorersOf } from './compute-each.ts';
import { onInput } from './detections.ts';
import { explainThatFits } from './explain-that-fits.ts';
import { groupRuns, type Work } from './group-runs.ts';
import type { ExplainResult } from './result-type.ts';
import { scoresOf } from './run-targets.ts';
import { settleDetector } from './settle-detector.ts';
import { similarImages, withEmbeddings } from './similar-images.ts';
import type { Stage } from './stage.ts';
import type { Stages } from './stages.ts';

/** What a call needs of its explainer. */
export interface CallParts {
  readonly stages: Stages;
  readonly schedule: RunSchedule;
  readonly reading: Reading;
  readonly admission: Admission;
}

/** How a call is made. */
export interface ExplainCall {
  /** How each run waits until its images may be read. */
  readonly inPlace: InPlace;
  /** As they were given, one for each source. */
  readonly inputs: readonly unknown[];
}

/** Images, and for each its target. */
interface Asked {
  /** Of each image its place in the call. */
  readonly places: readonly number[];
  readonly progress: CallProgress | undefined;
  readonly inPlace: InPlace;
  readonly sources: readonly DetectedSource[];
  readonly targets: readonly Target[];
}

/** Explains the images of a call: reads them, in runs side by side, and nests the results as was asked. */
export class ExplainCalls {
  readonly #parts: CallParts;

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  /**
   * @param given one target for each of the sources
   * @returns the results in the order of the sources
   * @throws what `Explainer.explain` throws
   */
  async explain(
    sources: readonly DetectedSource[],
    given: readonly Target[],
    options: ExplainOptions,
    { inPlace, inputs }: ExplainCall,
  ): Promise<ExplainResult[]> {
    const progress = options.onProgress && new CallProgress(options.onProgress, inputs);
    const results: ExplainResult[] = [];
    // Each output has layers of its own.
    for (const output of new Set(given.map(outputOf))) {
      const own = given.flatMap((target, i) => (outputOf(target) === output ? [i] : []));
      const asked = {
        sources: own.map(i => sources[i]!),
        targets: own.map(i => given[i]!),
        places: own,
        inPlace,
        progress,
      };
      const explained = await this.#explainOutput(output, asked, options);
      for (const [i, index] of own.entries()) results[index] = explained[i]!;
    }
    return results;
  }

  /** Images whose targets name the same output. */
  async #explainOutput(
    output: string | undefined,
    { targets: given, ...asked }: Asked,
    options: ExplainOptions,
  ): Promise<ExplainResult[]> {
    const { inputs, signal } = options;
    const stage = await this.#parts.stages.of({ head: scoringGraph(given), output, inputs, signal });
    const request = stage.requests.make(options);
    const compares = given.some(target => similarImages(target).length > 0);
    const targets = compares
      ? await this.#withEmbeddings(await this.#parts.stages.of({ inputs, signal }), given, asked.inPlace, signal)
      : given;
    return this.#explainAll(stage, { ...asked, targets }, { ...request, progress: asked.progress }, options);
  }

  /** Images in runs side by side, as the schedule has it. */
  async #explainAll(
    stage: Stage,
    { sources, targets, places, inPlace }: Asked,
    request: ExplainRequest,
    options: ExplainOptions,
  ): Promise<ExplainResult[]> {
    const { schedule } = this.#parts;
    const total = sources.length;
    const batchSize = schedule.inputsPerRun(stage.network.model.input.batch, options.batchSize);
    // A detector whose columns may be read in two ways is settled by the first picture that can tell, for all of them.
    const unsettled = targets.some(target => stage.network.unsettled(headChoiceOf(target)));
    // A technique runs the changed inputs of one image side by side.
    const atOnce = unsettled || request.techniques.length > 0 ? 1 : schedule.concurrency;
    const starts = Array.from({ length: Math.ceil(total / batchSize) }, (_, i) => i * batchSize);
    const end = schedule.begin(total);
    try {
      const chunks = await sideBySide(starts, atOnce, async from => {
        const part = {
          sources: sources.slice(from, from + batchSize),
          targets: targets.slice(from, from + batchSize),
          places: places.slice(from, from + batchSize),
        };
        const explain = () => this.#explainChunk(stage, part, request, batchSize);
        const chunk = await inPlace(explain, request.signal);
        request.progress?.finished(part.places);
        return chunk.map((byMethod, i) => nest(byMethod, targets[from + i]!, options, request));
      });
      return chunks.flat();
    } finally {
      end();
    }
  }

  async #explainChunk(
    stage: Stage,
    { sources, targets, places }: Pick<Asked, 'sources' | 'targets' | 'places'>,
    request: ExplainRequest,
    batchSize: number,
  ): Promise<ImageResults[]> {
    const { network, setting } = stage;
    const images = await Promise.all(sources.map(source => this.#read(source, request)));
    for (const target of new Set(targets))
      await settleDetector(network, headChoiceOf(target), images[0]!, request.signal);
    const parts = request.techniques.length > 0 ? 1 : scorersOf(request.methods);
    const work = images.map(
      (image, index): Work => ({
        image,
        index,
        progress: request.progress?.image(places[index]!, parts),
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
  async #withEmbeddings(
    stage: Stage,
    targets: readonly Target[],
    inPlace: InPlace,
    signal: AbortSignal | undefined,
  ): Promise<Target[]> {
    const embedded = new Map<Target, Target>();
    for (const target of new Set(targets))
      embedded.set(target, await inPlace(() => this.#withEmbedding(stage, target, signal), signal));
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
    return readImage(source, this.#parts.stages.base.network.model.input, this.#parts.reading, call);
  }
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
