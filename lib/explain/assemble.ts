import type { UsedPrecision } from '../engine/precision.ts';
import { restoreMaps } from '../image/restore-map.ts';
import type { Maps } from '../kernels/types.ts';
import { type MethodMaps, nth } from '../maps/method-maps.ts';
import { conceptsOf, rawMapOf } from '../maps/raw-map.ts';
import { type MaybeLater, whenReady } from '../maybe-later.ts';
import { sized } from '../methods/conventions/convention.ts';
import type { HeadKind } from '../model/find/logits.ts';
import { inputSize, type ReadyImage } from '../network/images.ts';
import type { Network } from '../network/network.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { MethodRun } from '../request/request.ts';
import { headLabels } from '../request/targets.ts';
import {
  type ExplainedLayer,
  type ExplainedTarget,
  Explanation,
  type HeatMap,
  type Prediction,
  type Runs,
} from '../result/explanation.ts';
import type { Labels } from '../targets/labels.ts';
import type { HeadChoice, ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { Detection } from './detections.ts';
import { withoutRanks } from './run-targets.ts';

/** What is the same for all results of an explainer. */
export interface Setting {
  readonly labels: Labels | undefined;
}

/** What is the same for all results that read one output. */
export interface HeadSetting extends Setting {
  readonly headKind: HeadKind;
  /** What every result that reads the output is told. */
  readonly warnings: readonly string[];
}

const settings = new WeakMap<HeadChoice, HeadSetting>();

/** The setting of the output that a target reads; targets are resolved for one network, so that it stays the same. */
export function settingFor(setting: Setting, network: Network, choice: HeadChoice): HeadSetting {
  let made = settings.get(choice);
  if (!made) settings.set(choice, (made = makeSetting(setting, network, choice)));
  return made;
}

function makeSetting(setting: Setting, network: Network, choice: HeadChoice): HeadSetting {
  const { kind, readout, classes } = network.head(choice);
  // Sums over positions and similarities have no probability, as regression values have none.
  const headKind = readout && readout.kind !== 'detection' ? 'regression' : kind;
  const labels = headLabels(setting.labels, network, choice);
  // Detectors may have a class for nothing, without a name.
  const fits = !labels || readout?.kind === 'detection' || labels.names.length === classes;
  const warnings = fits ? [] : [`there are ${labels.names.length} labels for ${classes} classes: names may be wrong`];
  return { ...setting, headKind, labels, warnings };
}

/** Everything about one result. */
export interface Parts {
  readonly image: ReadyImage;
  readonly method: MethodRun;
  readonly layers: readonly TargetLayer[];
  /** [C, h, w] of each layer. */
  readonly shapes: readonly (readonly number[])[];
  readonly maps: MethodMaps;
  /** Which of the maps. */
  readonly index: number;
  readonly row: ScoreRow;
  readonly target: ResolvedTarget;
  /** Of detection targets. */
  readonly detection?: Detection;
  readonly milliseconds: { readonly model: number; readonly method: number };
  readonly runs: Runs;
  readonly precision: UsedPrecision;
  readonly warnings: readonly string[];
}

/** Puts a map onto the original picture and says all that is known about it. */
export function assemble(setting: HeadSetting, parts: Parts): MaybeLater<Explanation> {
  const { image, maps, index } = parts;
  const start = performance.now();
  return whenReady(mapOverImage(maps, index, image), map =>
    whenReady(rawMapOf(maps, index), raw => describe(setting, parts, { map, raw }, performance.now() - start)),
  );
}

function describe(
  setting: HeadSetting,
  parts: Parts,
  { map, raw }: Pick<Explanation, 'map' | 'raw'>,
  postprocess: number,
): Explanation {
  const { image, method, layers, maps, index, row } = parts;
  const described = layers.map(({ name, reason }, i): ExplainedLayer => ({ name, shape: parts.shapes[i]!, reason }));
  const { model, method: methodTime } = parts.milliseconds;
  const { status, reason } = maps.verdicts[index]!;
  return new Explanation(
    {
      map,
      raw,
      target: explainedTarget(parts, setting),
      predictions: predictionsOf(row, setting, 5),
      layer: described.length === 1 ? described[0]! : described,
      method: method.definition.name,
      convention: method.convention,
      params: method.params,
      preprocess: image.preprocess,
      precision: parts.precision,
      concepts: conceptsOf(maps, index),
      status,
      reason,
      warnings: [...setting.warnings, ...parts.warnings],
      timings: {
        preprocess: image.milliseconds,
        model,
        method: methodTime,
        postprocess,
        total: image.milliseconds + model + methodTime + postprocess,
      },
      runs: parts.runs,
    },
    image.picture,
  );
}

/** Over the original picture; over all of a volume. */
function mapOverImage({ maps, placed }: MethodMaps, index: number, image: ReadyImage): MaybeLater<HeatMap> {
  const [, rows, columns] = maps.dims;
  if (placed) return { data: maps.data, width: columns, height: rows };
  const single: Maps = { ...maps, data: nth(maps, index), dims: [1, rows, columns] };
  if (image.depth === undefined)
    return whenReady(restoreMaps(single, image.placement), ({ data, dims }) => ({
      data,
      width: dims[2],
      height: dims[1],
    }));
  const { depth } = image;
  const { width, height } = image.placement.input;
  return whenReady(sized(single, inputSize(image)), ({ data }) => ({
    data,
    dims: [depth, height, width],
    width,
    height,
  }));
}

function explainedTarget(
  { target, row, method, detection }: Parts,
  { labels, headKind }: HeadSetting,
): ExplainedTarget {
  const { ownScore } = method.definition;
  const index = row.classOf(target.terms[0]!.index);
  return {
    index,
    label: labels?.names[index] ?? null,
    score: ownScore ? ownScore.value(row, withoutRanks(target, row), method) : row.score(target),
    probability: detection ? detection.confidence : probabilityOf(target, row, index, headKind),
    kind: target.kind,
    ...(detection && { box: detection.box }),
  };
}

/** Of the class; of a binary target that of its category. */
function probabilityOf(target: ResolvedTarget, row: ScoreRow, index: number, kind: HeadKind): number | null {
  if (!target.classification || !(target.kind === 'binary' || hasProbability(kind))) return null;
  return row.probability(index, target.terms[0]!.opposite);
}

/** The classes with the largest logits. */
export function predictionsOf(
  row: ScoreRow,
  { labels, headKind }: Pick<HeadSetting, 'labels' | 'headKind'>,
  count: number,
): Prediction[] {
  return row.top(count).map(index => ({
    index,
    label: labels?.names[index] ?? null,
    score: row.logits[index]!,
    probability: hasProbability(headKind) ? row.probability(index) : null,
  }));
}

function hasProbability(kind: HeadKind): boolean {
  return kind !== 'regression' && kind !== 'embedding';
}
