import { controlMap } from '../evaluation/controls.ts';
import type { Extra } from '../evaluation/data-set.ts';
import { CONTROLS } from '../evaluation/direction.ts';
import { type MetricRow, paramsText, type RowPlace } from '../evaluation/rows.ts';
import { detectSource } from '../image/source.ts';
import { findMethod } from '../methods/registry.ts';
import { chooseMetrics } from '../metrics/choose.ts';
import type { MetricConvention } from '../metrics/definition.ts';
import type { ExplainSource } from '../network/images.ts';
import type { EvaluatedPicture } from '../report/evaluated-image.ts';
import type { TargetInput } from '../targets/target.ts';
import { classOf } from '../truth/class-of.ts';
import type { PictureTruth, TruthSource } from '../truth/truth.ts';
import { type ControlMap, choiceOf, type EvaluationPlan, evaluateImage, type MethodVariant } from './evaluate-image.ts';
import { type EvaluateOptions, isNamed } from './evaluate-options.ts';
import { evaluatedPicture } from './evaluated-picture.ts';
import { headSetting } from './head-setting.ts';
import type { MeasureCalls } from './measure-call.ts';
import { truthAt } from './measure-truth.ts';
import type { MeasuredImage } from './measured-image.ts';

/** The rows of one image, and what belongs to each besides. */
export interface ImageRows {
  readonly rows: readonly MetricRow[];
  readonly extras: readonly Extra[];
  /** By `only`. */
  readonly leftOut: boolean;
  /** What the page shows; null where it does not show the image, or where there is nothing new. */
  readonly picture: EvaluatedPicture | null;
}

/** What is known of an evaluation while it goes on. */
export interface Known {
  /** Rows that need not be made again. */
  readonly has: (place: RowPlace) => boolean;
  /** Whether the page shows an image. */
  readonly isShown: (index: number) => boolean;
  /** Whether its picture is kept already. */
  readonly hasPicture: (index: number, name: string) => boolean;
}

/** What an evaluation asks of every image. */
export function planOf(options: EvaluateOptions): EvaluationPlan {
  const { methods = ['grad-cam'], layers = ['auto'], conventions = ['paper'], controls = true } = options;
  const variants = conventions.flatMap(convention =>
    layers.flatMap(layer =>
      methods.map((spec): MethodVariant => {
        const { method, params, fusion, technique } = typeof spec === 'string' ? { method: spec } : spec;
        const layerName = Array.isArray(layer) ? layer.join('+') : String(layer);
        return {
          method: findMethod(method).name,
          params,
          fusion,
          technique,
          layer: layer === 'auto' ? undefined : layer,
          layerName,
          convention,
        };
      }),
    ),
  );
  const shown = CONTROLS.map(
    (name): ControlMap => ({ name, make: (size, seed, index) => controlMap(name, size, seed, index) }),
  );
  const metrics = new Map(
    conventions.map(
      convention => [convention, chooseMetrics(options.metrics, convention, options.truth !== undefined)] as const,
    ),
  );
  return { variants, controls: controls ? shown : [], metrics, inputs: options.inputs };
}

/** What evaluates the images of one call. */
export interface RowMaker {
  readonly calls: MeasureCalls;
  readonly plan: EvaluationPlan;
  readonly options: EvaluateOptions;
  readonly truth: TruthSource | undefined;
  readonly nameOf: (input: unknown, index: number) => string;
}

/**
 * Explains and measures one image.
 * @throws what `explain` and `measure` throw, `ERR_TRUTH_INVALID`
 */
export async function imageRows(
  maker: RowMaker,
  input: unknown,
  index: number,
  { has, isShown, hasPicture }: Known,
): Promise<ImageRows> {
  const { calls, plan, options, truth } = maker;
  const image = maker.nameOf(input, index);
  const missing = (method: string, layer: string, convention: MetricConvention, params: string) =>
    plan.metrics
      .get(convention)!
      .filter(({ definition: { name } }) => !has({ image, index, method, layer, convention, params, metric: name }));
  const variants = plan.variants.filter(
    variant => missing(variant.method, variant.layerName, variant.convention, paramsText(choiceOf(variant))).length > 0,
  );
  const controls = plan.controls.filter(({ name }) =>
    [...plan.metrics.keys()].some(convention => missing(name, '', convention, '').length > 0),
  );
  if (variants.length === 0 && controls.length === 0) return NOTHING;

  const { seed = 0, batchSize, signal } = options;
  const known = await truth?.find(input);
  const asked = {
    target: targetOf(options.target, known),
    truth: (measured: MeasuredImage) => truthAt(known, measured),
    leaveOut: (measured: MeasuredImage) => options.only === 'correct' && isCorrect(known, measured) !== true,
  };
  const call = { seed, index, batchSize, signal };
  const source = detectSource(isNamed(input) ? input.tensor : (input as ExplainSource));
  const evaluated = await evaluateImage(calls, { ...plan, variants, controls }, source, asked, call);
  if (!evaluated) return { ...NOTHING, leftOut: true };

  const correct = known ? isCorrect(known, evaluated.image) : null;
  const rows: MetricRow[] = [];
  const extras: Extra[] = [];
  for (const map of evaluated.maps) {
    const place = { method: map.method, layer: map.layer, convention: map.convention, params: paramsText(map.params) };
    for (const measurement of Object.values(map.measurements)) {
      const { metric, value, status, reason, runs } = measurement;
      if (has({ image, index, ...place, metric })) continue;
      const { class: index_, label, probability } = evaluated;
      rows.push({
        image,
        index,
        class: index_,
        label,
        probability,
        correct,
        ...place,
        metric,
        value,
        status,
        reason,
        runs,
        ms: Math.round(map.milliseconds),
      });
      extras.push(measurement);
    }
  }
  const said = { name: image, index, correct };
  const picture = isShown(index) ? await evaluatedPicture(evaluated, said, !hasPicture(index, image)) : null;
  return { rows, extras, leftOut: false, picture };
}

const NOTHING: ImageRows = { rows: [], extras: [], leftOut: false, picture: null };

function targetOf(target: TargetInput | undefined, known: PictureTruth | undefined): TargetInput {
  if (target !== 'label') return target ?? 'top1';
  const named = known?.labels[0];
  // Of a picture whose truth names no class the best one: its row says so by `correct`.
  return named === undefined ? 'top1' : typeof named === 'number' ? named : { kind: 'label', label: named };
}

/** Whether the network's best class is one that the truth names; null where it names none. */
function isCorrect(known: PictureTruth | undefined, { stage, target, row }: MeasuredImage): boolean | null {
  if (!known || known.labels.length === 0) return null;
  const best = row.classOf(-1);
  const { labels } = headSetting(stage.setting, stage.network, target);
  return known.labels.some(label => classOf(label, labels) === best);
}
