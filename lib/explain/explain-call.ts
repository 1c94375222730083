import { OnnxCamError } from '../common/errors.ts';
import { sideBySide } from '../common/side-by-side.ts';
import { pushAll } from '../common/sizes.ts';
import { type DetectedSource, detectSource } from '../image/source.ts';
import { type Reading, type ReadingCall, type ReadyImage, readImage } from '../network/images.ts';
import type { RunSchedule } from '../network/run-schedule.ts';
import type { ExplainOptions } from '../options.ts';
import { CallProgress } from '../request/call-progress.ts';
import type { AskedTargets, ExplainRequest } from '../request/request.ts';
import { resolveFor, rowHead } from '../request/targets.ts';
import { readoutKey } from '../targets/readout.ts';
import { headChoiceOf, outputOf, type ResolvedTarget, scoringGraphOf } from '../targets/resolve.ts';
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

/** Images, and for each its targets. */
interface Asked {
  /** Of each image its place in the call; undefined where another output is read for it later, so that it is not done. */
  readonly places: readonly (number | undefined)[];
  readonly progress: CallProgress | undefined;
  readonly inPlace: InPlace;
  readonly sources: readonly DetectedSource[];
  readonly targets: readonly (readonly Target[])[];
}

/** What is made of images: of each, by target as it was asked for. */
interface Made {
  readonly results: readonly (readonly ImageResults[])[];
  readonly perLayer: boolean;
}

/** Explains the images of a call: reads them, in runs side by side, and nests the results as was asked. */
export class ExplainCalls {
  readonly #parts: CallParts;

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  /**
   * @param given what is asked of each of the sources
   * @returns the results in the order of the sources
   * @throws what `Explainer.explain` throws
   */
  async explain(
    sources: readonly DetectedSource[],
    given: readonly AskedTargets[],
    options: ExplainOptions,
    { inPlace, inputs }: ExplainCall,
  ): Promise<ExplainResult[]> {
    const progress = options.onProgress && new CallProgress(options.onProgress, inputs);
    const results = given.map((): ImageResults[] => []);
    let perLayer = false;
    // Each output has layers of its own.
    const outputs = [...new Set(given.flatMap(({ targets }) => targets.map(outputOf)))];
    for (const [o, output] of outputs.entries()) {
      const own = given.flatMap(({ targets }, image) => {
        const nth = targets.flatMap((target, i) => (outputOf(target) === output ? [i] : []));
        return nth.length === 0 ? [] : [{ image, nth }];
      });
      const isLast = (image: number) => given[image]!.targets.every(target => outputs.indexOf(outputOf(target)) <= o);
      const made = await this.#explainOutput(
        output,
        {
          sources: own.map(({ image }) => sources[image]!),
          targets: own.map(({ image, nth }) => nth.map(i => given[image]!.targets[i]!)),
          places: own.map(({ image }) => (isLast(image) ? image : undefined)),
          inPlace,
          progress,
        },
        options,
      );
      perLayer = made.perLayer;
      for (const [i, { image, nth }] of own.entries())
        for (const [j, t] of nth.entries()) results[image]![t] = made.results[i]![j]!;
    }
    return given.map((asked, image) => nest(results[image]!, asked, options, perLayer));
  }

  /** Images whose targets name the same output. */
  async #explainOutput(
    output: string | undefined,
    { targets: given, ...asked }: Asked,
    options: ExplainOptions,
  ): Promise<Made> {
    const { inputs, signal, batchSize } = options;
    const stage = await this.#parts.stages.of({ head: scoringGraph(given.flat()), output, inputs, signal });
    const request = stage.requests.make(options);
    const compares = given.flat().some(target => similarImages(target).length > 0);
    const targets = compares
      ? await this.#withEmbeddings(await this.#parts.stages.of({ inputs, signal }), given, asked.inPlace, signal)
      : given;
    const { progress } = asked;
    const results = await this.#explainAll(stage, { ...asked, targets }, { ...request, progress }, batchSize);
    return { results, perLayer: request.perLayer };
  }

  /** Images in runs side by side, as the schedule has it. */
  async #explainAll(
    stage: Stage,
    { sources, targets, places, inPlace }: Asked,
    request: ExplainRequest,
    batch: ExplainOptions['batchSize'],
  ): Promise<ImageResults[][]> {
    const { schedule } = this.#parts;
    const total = sources.length;
    const batchSize = schedule.inputsPerRun(stage.network.model.input.batch, batch);
    // A detector whose columns may be read in two ways is settled by the first picture that can tell, for all of them.
    const unsettled = targets.flat().some(target => stage.network.unsettled(headChoiceOf(target)));
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
        const done = part.places.filter(place => place !== undefined);
        if (done.length > 0) request.progress?.finished(done);
        return chunk;
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
  ): Promise<ImageResults[][]> {
    const { network, setting } = stage;
    const images = await Promise.all(sources.map(source => this.#read(source, request)));
    for (const target of new Set(targets.flat()))
      await settleDetector(network, headChoiceOf(target), images[0]!, request.signal);
    const parts = request.techniques.length > 0 ? 1 : scorersOf(request.methods);
    const work: Work[] = [];
    const found = images.map((image, i) => {
      const resolved = targets[i]!.map(target =>
        resolveFor(network, target, setting.labels).map(one => onInput(one, image.placement)),
      );
      const { groups, spans } = readTogether(resolved);
      const from = work.length;
      const place = places[i];
      const progress = place === undefined ? undefined : request.progress?.image(place, parts * groups.length);
      for (const own of groups) work.push({ image, index: work.length, progress, targets: own });
      return spans.map(span => ({ ...span, index: from + span.group }));
    });
    const results: ImageResults[] = [];
    for (const run of groupRuns(work, batchSize)) {
      const explained = await explainThatFits(stage, run, request);
      for (const [i, { index }] of run.entries()) results[index] = explained[i]!;
    }
    return found.map(ofImage =>
      ofImage.map(({ index, begin, end }) => results[index]!.map(byTarget => byTarget.slice(begin, end))),
    );
  }

  /** The targets with vectors in the place of pictures; a picture that several compare with is run once. */
  async #withEmbeddings(
    stage: Stage,
    targets: Asked['targets'],
    inPlace: InPlace,
    signal: AbortSignal | undefined,
  ): Promise<Asked['targets']> {
    const embedded = new Map<Target, Target>();
    for (const target of new Set(targets.flat()))
      embedded.set(target, await inPlace(() => this.withEmbedding(stage, target, signal), signal));
    return targets.map(own => own.map(target => embedded.get(target)!));
  }

  /** One target with vectors in the place of the pictures that it compares with, which the stage's model makes. */
  async withEmbedding({ network }: Stage, target: Target, signal: AbortSignal | undefined): Promise<Target> {
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

/** Where the scores of a target are: from `begin` to before `end` of a group. */
interface Span {
  readonly group: number;
  readonly begin: number;
  readonly end: number;
}

/**
 * The targets of an image in groups that are read from the same values, so that one run serves each.
 * @param resolved of each target the scores that it stands for
 */
function readTogether(resolved: readonly (readonly ResolvedTarget[])[]): {
  readonly groups: readonly (readonly ResolvedTarget[])[];
  readonly spans: readonly Span[];
} {
  const groups = new Map<string, ResolvedTarget[]>();
  const spans = resolved.map((own): Span => {
    const key = readoutKey(own[0]!.readout);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    const begin = group.length;
    pushAll(group, own);
    return { group: [...groups.keys()].indexOf(key), begin, end: begin + own.length };
  });
  return { groups: [...groups.values()], spans };
}

/** Drops the levels that the options don't ask for. */
function nest(
  results: readonly ImageResults[],
  { targets, isList }: AskedTargets,
  options: ExplainOptions,
  perLayer: boolean,
): ExplainResult {
  const byMethod = results[0]!.map((_, method) => {
    const each = results.map((ofTarget, t): ExplainResult => {
      const own = ofTarget[method]!.map((byLayer): ExplainResult => (perLayer ? [...byLayer] : byLayer[0]!));
      return standsForSeveral(targets[t]!) ? own : own[0]!;
    });
    return isList ? each : each[0]!;
  });
  return options.methods ? byMethod : byMethod[0]!;
}

function standsForSeveral(target: Target): boolean {
  return target.kind === 'top' || (target.kind === 'output' && standsForSeveral(target.of));
}
