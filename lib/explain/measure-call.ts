import { invalid } from '../common/checks.ts';
import { OnnxCamError } from '../common/errors.ts';
import type { Size } from '../image/geometry.ts';
import type { DetectedSource } from '../image/source.ts';
import type { ParamValues } from '../methods/definition.ts';
import { findMethod } from '../methods/registry.ts';
import { type ChosenMetric, chooseMetrics } from '../metrics/choose.ts';
import type { Measurements } from '../metrics/measurement.ts';
import type { TruthAtInput } from '../metrics/truth-at-input.ts';
import type { Layer } from '../model/find/layer.ts';
import { readImage } from '../network/images.ts';
import { resolveFor } from '../request/targets.ts';
import type { Explanation } from '../result/explanation.ts';
import { isExplanation } from '../result/is-explanation.ts';
import { parseTarget } from '../targets/parse.ts';
import { headChoiceOf, outputOf, scoringGraphOf } from '../targets/resolve.ts';
import type { Target, TargetInput } from '../targets/target.ts';
import { openTruth } from '../truth/open-truth.ts';
import type { InPlace } from './admission.ts';
import { ExplainerAgain, type HowExplained } from './explain-again.ts';
import type { CallParts } from './explain-call.ts';
import { type MapInput, mapAtInput } from './map-at-input.ts';
import { type MapToJudge, measureMaps } from './measure-maps.ts';
import { type MeasureOptions, mapConvention } from './measure-options.ts';
import { truthAt } from './measure-truth.ts';
import { type MeasureCall, type MeasuredImage, openMeasured } from './measured-image.ts';
import { settleDetector } from './settle-detector.ts';
import type { Stage } from './stage.ts';

/** A map, and how it came to be where anybody knows. */
export interface GivenMap {
  readonly map: MapInput;
  readonly how?: HowExplained;
  /** Whether it was made so of the image that is open. */
  readonly made?: boolean;
  /** The score that the image and target must have which it was made of. */
  readonly score?: number;
}

/** Share by which scores of the same image and target differ: batches, devices. */
const SAME_SCORE = 0.01;

/** Measures maps of images. */
export class MeasureCalls {
  readonly #parts: CallParts;

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  /**
   * @param input as the caller gave it, by which its truth is found
   * @returns the measurements of each of the maps
   * @throws what `Explainer.measure` throws
   */
  async measure(
    input: unknown,
    source: DetectedSource,
    options: MeasureOptions,
    inPlace: InPlace,
  ): Promise<Measurements[]> {
    const metrics = chooseMetrics(options.metrics, options.convention ?? 'paper', options.truth !== undefined);
    const maps = options.maps ?? [options.map!];
    const truth = options.truth === undefined ? undefined : await openTruth(options.truth);
    // The caller's own function may take as long as it likes, and ask the explainer: it holds no place.
    const found = await truth?.find(input);
    return inPlace(async () => {
      const image = await this.open(source, options.target ?? targetOf(maps), options.inputs, {
        seed: options.seed ?? 0,
        index: 0,
        batchSize: options.batchSize,
        signal: options.signal,
        onProgress: options.onProgress,
      });
      const given = maps.map((map): GivenMap => {
        return { map, how: howExplained(map, options), score: options.target === undefined ? logitOf(map) : undefined };
      });
      const where = await truthAt(found, image);
      return this.measureOpened(image, given, metrics, where, options.signal);
    }, options.signal);
  }

  /** Reads an image and fixes what is measured of it. @throws what reading, resolving a target and a run throw */
  async open(
    source: DetectedSource,
    asked: TargetInput,
    inputs: MeasureOptions['inputs'],
    call: MeasureCall,
  ): Promise<MeasuredImage> {
    const target = parseTarget(asked);
    const stage = await this.stageOf(target, inputs, call.signal);
    const image = await readImage(source, this.#parts.stages.base.network.model.input, this.#parts.reading, {
      signal: call.signal,
      mapSize: 'input',
    });
    const { network, setting } = stage;
    await settleDetector(network, headChoiceOf(target), image, call.signal);
    const resolved = resolveFor(network, target, setting.labels);
    if (resolved.length !== 1)
      throw new OnnxCamError('ERR_OPTION_INVALID', 'metrics judge the map of one class; make a call for each');
    return openMeasured(stage, image, resolved[0]!, call);
  }

  /** Measures maps of an image that is open. */
  async measureOpened(
    image: MeasuredImage,
    given: readonly GivenMap[],
    metrics: readonly ChosenMetric[],
    truth: TruthAtInput | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Measurements[]> {
    const { model } = image.stage.network;
    const facts = await image.stage.network.factsFor(image.stage.network.sizeOf(image.image.tensor), signal);
    const layers = model.layers.map(layer => positionsOf(layer, facts.get(layer.name)?.dims));
    const maps = await Promise.all(
      given.map(async ({ map, how, made, score }): Promise<MapToJudge> => {
        const { data, warnings: changed } = await mapAtInput(map, image.image, layers);
        const other = score !== undefined && whyOther(score, image.subject.score('logit'));
        const warnings = other ? [...changed, other] : changed;
        const again = how && new ExplainerAgain(this.#parts.stages, image, how);
        return { data, warnings, explain: again?.explain, units: again?.units, made };
      }),
    );
    return measureMaps(image, maps, metrics, { truth, signal });
  }

  async stageOf(target: Target, inputs: MeasureOptions['inputs'], signal: AbortSignal | undefined): Promise<Stage> {
    return this.#parts.stages.of({ head: scoringGraphOf(target), output: outputOf(target), inputs, signal });
  }
}

/** Size of a layer's map for pictures of the size at hand. */
function positionsOf({ layout, spatial }: Layer, dims: readonly number[] | undefined): Size {
  const at = layout === 'nchw' ? dims?.slice(2) : layout === 'nhwc' ? dims?.slice(1, 3) : undefined;
  const [height = 0, width = 0] = at ?? spatial;
  return { width, height };
}

/** The class's own score that an explanation tells; methods with a score of their own, and other targets, tell another. */
function logitOf(map: MapInput): number | undefined {
  if (!isExplanation(map) || map.target.kind !== 'class' || findMethod(map.method).ownScore) return undefined;
  return map.target.score;
}

/** Of an explanation that was made for another target than the one it is judged for by default, or of another image. */
function whyOther(made: number, here: number): string | undefined {
  if (!(Math.abs(made - here) > SAME_SCORE * Math.max(1, Math.abs(made)))) return undefined;
  const shown = (score: number) => Number(score.toPrecision(4));
  return (
    `the map was made for a score of ${shown(made)}, what is measured has ${shown(here)}: it is of another target or image; ` +
    'give the `target` that it was made for, and its image'
  );
}

/**
 * What the explanations that are judged explain: the best class where none is judged.
 * @throws `ERR_OPTION_INVALID` where they explain different classes, or something that their index does not tell
 */
function targetOf(maps: readonly MapInput[]): TargetInput {
  const targets = maps.flatMap(map => (isExplanation(map) ? [map.target] : []));
  const [first] = targets;
  if (!first) return 'top1';
  if (!CLASS_KINDS.has(first.kind))
    throw invalid(`the explanation is of a target of the kind '${first.kind}'; give the same \`target\` to measure`);
  const other = targets.find(({ kind, index }) => kind !== first.kind || index !== first.index);
  if (other)
    throw invalid(
      `the explanations are of different targets (${first.kind} ${first.index}, ${other.kind} ${other.index}); make a call for each, or give \`target\``,
    );
  return first.index;
}

/** Targets that are the class of their index; its probability is what metrics read by themselves. */
const CLASS_KINDS: ReadonlySet<string> = new Set(['class', 'probability']);

/** Of an explanation its own method, of other maps what the call names. */
function howExplained(map: MapInput, options: MeasureOptions): HowExplained | undefined {
  const { method, params, layer, fusion, technique, seed, batchSize, signal, convention } = options;
  const call = { seed, batchSize, signal };
  if (method === undefined && isExplanation(map)) {
    const own = {
      method: map.method,
      convention: map.convention,
      fusion: map.fusion ?? undefined,
      technique: map.technique ?? undefined,
    };
    return { ...own, params: given(map.params), layer: layersOf(map), ...call };
  }
  if (method === undefined) return undefined;
  return { method, params, layer, fusion, technique, convention: mapConvention(convention), ...call };
}

/** What a method decided by itself is left to it. */
function given(params: ParamValues): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
}

/** By name where the method takes names: those that read attention, or the whole network, find their own. */
function layersOf({ method, layer }: Explanation): string[] | string | undefined {
  const { scope, needs } = findMethod(method);
  if (scope === 'graph' || needs.attention) return undefined;
  return 'name' in layer ? layer.name : layer.map(({ name }) => name);
}
