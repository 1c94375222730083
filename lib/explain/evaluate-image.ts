import type { DetectedSource } from '../image/source.ts';
import type { Fusion } from '../methods/definition.ts';
import type { ChosenMetric } from '../metrics/choose.ts';
import type { MetricConvention } from '../metrics/definition.ts';
import type { Measurements } from '../metrics/measurement.ts';
import type { TruthAtInput } from '../metrics/truth-at-input.ts';
import { inputSize } from '../network/images.ts';
import type { LayerOption } from '../options.ts';
import type { Explanation } from '../result/explanation.ts';
import type { HeatMap } from '../result/explanation-fields.ts';
import type { TargetInput } from '../targets/target.ts';
import type { TechniqueOption } from '../techniques/choose.ts';
import type { HowExplained } from './explain-again.ts';
import { explainThatFits } from './explain-that-fits.ts';
import { headSetting } from './head-setting.ts';
import type { GivenMap, MeasureCalls } from './measure-call.ts';
import { type MeasureOptions, mapConvention } from './measure-options.ts';
import type { MeasureCall, MeasuredImage } from './measured-image.ts';

/** A method as an evaluation asks for it. */
export interface MethodVariant {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly fusion?: Fusion;
  readonly technique?: TechniqueOption;
  readonly layer?: LayerOption;
  /** How the layer was asked for. */
  readonly layerName: string;
  readonly convention: MetricConvention;
}

/** A map that no method made: what chance, or the middle of the picture, scores. */
export interface ControlMap {
  readonly name: string;
  make(size: { readonly width: number; readonly height: number }, seed: number, index: number): Float32Array;
}

/** What is the same for all images. */
export interface EvaluationPlan {
  readonly variants: readonly MethodVariant[];
  readonly controls: readonly ControlMap[];
  readonly metrics: ReadonlyMap<MetricConvention, readonly ChosenMetric[]>;
  readonly inputs: MeasureOptions['inputs'];
}

/** What the metrics say of one map. */
export interface EvaluatedMap {
  readonly method: string;
  readonly layer: string;
  readonly convention: MetricConvention;
  /** As they were asked for, with fusion and technique. */
  readonly params: Readonly<Record<string, unknown>> | undefined;
  readonly measurements: Measurements;
  readonly milliseconds: number;
  /** At the input's size. */
  readonly map: Pick<HeatMap, 'data' | 'width' | 'height'>;
  /** undefined for controls. */
  readonly explanation: Explanation | undefined;
}

export interface EvaluatedImage {
  readonly image: MeasuredImage;
  readonly class: number;
  readonly label: string | null;
  readonly probability: number | null;
  readonly maps: readonly EvaluatedMap[];
}

/** What is asked of one image. */
export interface AskedOfImage {
  readonly target: TargetInput;
  readonly truth: (image: MeasuredImage) => Promise<TruthAtInput | undefined>;
  readonly leaveOut: (image: MeasuredImage) => boolean;
}

/**
 * Explains one image by every method and measures all maps together.
 * @returns nothing for an image that is left out
 * @throws what `explain` and `measure` throw
 */
export async function evaluateImage(
  calls: MeasureCalls,
  plan: EvaluationPlan,
  source: DetectedSource,
  asked: AskedOfImage,
  call: MeasureCall,
): Promise<EvaluatedImage | undefined> {
  const image = await calls.open(source, asked.target, plan.inputs, call);
  if (asked.leaveOut(image)) return undefined;
  const truth = await asked.truth(image);
  const maps: EvaluatedMap[] = [];
  for (const [convention, metrics] of plan.metrics) {
    const start = performance.now();
    const variants = plan.variants.filter(one => one.convention === convention);
    const explained = await explainAll(image, variants, call);
    const controls = plan.controls.map(({ make }) => {
      const { width, height } = inputSize(image.image);
      return { map: { data: make({ width, height }, call.seed, call.index), width, height }, made: true };
    });
    const given: GivenMap[] = [
      ...explained.map((map, i) => ({ map, how: howOf(variants[i]!, call), made: true })),
      ...controls,
    ];
    const measured = await calls.measureOpened(image, given, metrics, truth, call.signal);
    const milliseconds = (performance.now() - start) / given.length;
    for (const [i, measurements] of measured.entries()) {
      const variant = variants[i];
      maps.push({
        method: variant?.method ?? plan.controls[i - variants.length]!.name,
        layer: variant?.layerName ?? '',
        convention,
        params: variant && choiceOf(variant),
        measurements,
        milliseconds,
        map: explained[i]?.map ?? controls[i - variants.length]!.map,
        explanation: explained[i],
      });
    }
  }
  const { target, row, stage } = image;
  const index = row.classOf(target.terms[0]!.index);
  const { labels } = headSetting(stage.setting, stage.network, target);
  const probability = image.subject.score('probability');
  return { image, class: index, label: labels?.names[index] ?? null, probability, maps };
}

/** What tells variants of a method at one layer apart. */
export const choiceOf = ({ params, fusion, technique }: MethodVariant): Readonly<Record<string, unknown>> => ({
  ...params,
  ...(fusion && { fusion }),
  ...(technique && { technique }),
});

/** What makes a variant's map, but for the image. */
const howOf = (
  { convention, layerName: _, ...how }: MethodVariant,
  { seed, batchSize, signal }: MeasureCall,
): HowExplained => ({ ...how, convention: mapConvention(convention), seed, batchSize, signal });

/** One explanation for each variant; methods without parameters of their own at the same layer share their runs. */
async function explainAll(
  image: MeasuredImage,
  variants: readonly MethodVariant[],
  call: MeasureCall,
): Promise<Explanation[]> {
  const groups = new Map<string, MethodVariant[]>();
  for (const variant of variants) {
    const { method, params, fusion, technique, layer } = variant;
    const key = JSON.stringify([fusion, technique, layer, ...(params ? [method, params] : [])]);
    groups.set(key, [...(groups.get(key) ?? []), variant]);
  }
  const made = new Map<MethodVariant, Explanation>();
  const { stage } = image;
  for (const group of groups.values()) {
    const { method: _, ...how } = howOf(group[0]!, call);
    const request = stage.requests.make({ ...how, methods: group.map(({ method }) => method), mapSize: 'input' });
    const work = [{ image: image.image, index: 0, targets: [image.target] }];
    const [results] = await explainThatFits(stage, work, request);
    for (const [i, variant] of group.entries()) made.set(variant, results![i]![0]![0]!);
  }
  return variants.map(variant => made.get(variant)!);
}
