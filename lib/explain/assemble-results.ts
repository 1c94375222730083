import type { InputSize } from '../image/geometry.ts';
import { gridOf } from '../image/map-grid.ts';
import { isOverInput, type MapSize } from '../image/map-size.ts';
import { restoreMaps } from '../image/restore-map.ts';
import type { MethodMaps } from '../maps/apply-method.ts';
import { conceptsOf, rawMapOf } from '../maps/raw-map.ts';
import { nthMap } from '../maps/unstretched.ts';
import { sized } from '../methods/conventions/convention.ts';
import { inputSize, type ReadyImage } from '../network/images.ts';
import type { Network } from '../network/network.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { MethodRun } from '../request/request.ts';
import { type Background, Explanation } from '../result/explanation.ts';
import type { AppliedTechnique, ExplainedLayer, ExplainedTarget, HeatMap } from '../result/explanation-fields.ts';
import type { Verdict } from '../result/status.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { ChosenTechnique } from '../techniques/choose.ts';
import type { ComputedMaps, ComputedMethod } from './compute-maps.ts';
import { type DetectionReport, reportDetection } from './detections.ts';
import type { Work } from './group-runs.ts';
import { type HeadSetting, headSetting, predictionsOf, probabilityOf, type Setting } from './head-setting.ts';
import { shapeOf } from './layer-tensors.ts';
import { mapOverImage, mapValues } from './map-over-image.ts';
import type { Computed } from './method-input.ts';
import { placeNotes } from './place-notes.ts';
import { withoutRanks } from './run-targets.ts';

/** Results of one image: by method, by target, by layer set. */
export type ImageResults = readonly (readonly (readonly Explanation[])[])[];

/**
 * The results of some images, one for each method, target and set of layers.
 * @param known warnings that every result gets
 */
export async function assembleResults(
  { network, setting }: { readonly network: Network; readonly setting: Setting },
  work: readonly Work[],
  computed: ComputedMaps,
  { mapSize, techniques, known }: Asked,
): Promise<ImageResults[]> {
  const head = headSetting(setting, network, computed.outcome.targets[0]!);
  const part: Part = { work, computed, head, mapSize, techniques, known };
  return Promise.all(
    work.map(({ targets }, image) =>
      Promise.all(
        computed.methods.map(method =>
          Promise.all(
            targets.map((_, t) =>
              Promise.all(method.sets.map((_, set) => assembleResult(part, method, { image, t, set }))),
            ),
          ),
        ),
      ),
    ),
  );
}

/** What a call asked for that results say. */
interface Asked {
  readonly mapSize: MapSize;
  readonly techniques: readonly ChosenTechnique[];
  readonly known: readonly string[];
}

/** What all results of a run share. */
interface Part extends Asked {
  readonly work: readonly Work[];
  readonly computed: ComputedMaps;
  readonly head: HeadSetting;
}

/** Puts a map onto the original picture and says all that is known about it. */
async function assembleResult(
  { work, computed: { outcome }, head, mapSize, techniques, known }: Part,
  { method, sets, run, passes }: ComputedMethod,
  { image: i, t, set }: { readonly image: number; readonly t: number; readonly set: number },
): Promise<Explanation> {
  const start = performance.now();
  const { image } = work[i]!;
  const computed: Computed = sets[set]![i]!;
  const { maps, runs } = computed;
  const index = Math.min(computed.first + t, maps.verdicts.length - 1);
  const [map, raw] = await Promise.all([mapOverImage(nthMap(maps.maps, index), image, mapSize), rawMapOf(maps, index)]);

  const row = run.rows[i]!;
  const { targets } = outcome;
  const target = targets[targets.length > work.length ? t : i]!;
  const report = reportDetection(target, outcome.run, i, image.placement);
  const layers = method.layerSets[set]!.map(
    ({ name, reason }): ExplainedLayer => ({ name, shape: shapeOf(run.activations.get(name)!), reason }),
  );
  const postprocess = performance.now() - start;
  const model = run.milliseconds / work.length;
  const { status, reason } = ofRead(maps.verdicts[index]!, method.layerSets[set]!);
  return new Explanation(
    {
      map,
      raw,
      target: explainedTarget({ target, row, method, report }, head),
      predictions: predictionsOf(row, head, 5),
      layer: layers.length === 1 ? layers[0]! : layers,
      method: method.definition.name,
      convention: method.convention,
      fusion: layers.length === 1 ? null : method.fusion,
      params: method.params,
      technique: applied(techniques),
      preprocess: image.preprocess,
      precision: computed.int8 ? 'int8' : run.precision,
      cleanScoreMoved: computed.int8 ? computed.int8.moved[Math.min(t, computed.int8.moved.length - 1)]! : null,
      concepts: conceptsOf(maps, index),
      status,
      reason,
      warnings: [
        ...image.warnings,
        ...head.warnings,
        ...known,
        ...method.warnings,
        ...run.warnings,
        ...maps.warnings,
        ...computed.warnings,
        ...placeNotes(method.layerSets[set]!),
        ...(report?.warnings ?? emptyRegions(target, row)),
      ],
      timings: {
        preprocess: image.milliseconds,
        model,
        method: computed.milliseconds,
        postprocess,
        total: image.milliseconds + model + computed.milliseconds + postprocess,
      },
      runs: { ...runs, network: runs.network + 1 + outcome.extraRuns + passes },
    },
    {
      picture: image.picture,
      onPicture: overlaid(image, mapSize),
      grid: laidOver(image, mapSize),
      values: mapValues(maps, index, image, mapSize),
      atInput: image.depth === undefined ? atInput(maps, index, inputSize(image)) : null,
    },
  );
}

/** As `layer`: one by itself. */
function applied(techniques: readonly ChosenTechnique[]): AppliedTechnique | readonly AppliedTechnique[] | null {
  const all = techniques.map(({ definition: { name }, params }) => ({ name, params }));
  return all.length === 0 ? null : all.length === 1 ? all[0]! : all;
}

/** Of a layer that the caller named. */
function ofRead(verdict: Verdict, layers: readonly TargetLayer[]): Verdict {
  const unread = verdict.status === 'zero' ? layers.find(({ read }) => !read) : undefined;
  if (!unread) return verdict;
  const reason = `the scores read nothing of the positions of "${unread.name}": behind it they are made of class tokens, or of single tokens, alone (name a layer before the last attention, or none)`;
  return { ...verdict, reason };
}

/** A sum over no position is exactly zero. */
function emptyRegions({ readout, terms }: ResolvedTarget, row: ScoreRow): readonly string[] {
  if (readout?.kind !== 'region' || readout.region !== 'predicted') return [];
  const empty = terms.map(({ index }) => row.classOf(index)).filter(index => row.logits[index] === 0);
  return empty.map(index => `class ${index} is predicted nowhere, so that its region is empty; give another region`);
}

/** Holds the map alone, at the resolution that the convention leaves it in, and nothing of the image. */
function atInput({ maps }: MethodMaps, index: number, size: InputSize): () => Promise<HeatMap> {
  const single = nthMap(maps, index);
  return async () => {
    const { data } = await sized(single, size);
    return { data, width: size.width, height: size.height };
  };
}

/** How a map that lies over the input comes over the picture; undefined where it is there. */
function overlaid({ placement, depth }: ReadyImage, mapSize: MapSize): Background['onPicture'] {
  if (depth !== undefined || !isOverInput(mapSize)) return undefined;
  return async ({ data, width, height }) => {
    const over = await restoreMaps({ data, dims: [1, height, width] }, placement);
    return { data: over.data, width: over.dims[2], height: over.dims[1] };
  };
}

/** How a map lies over the original picture; of volumes pixel on pixel. */
function laidOver({ placement, depth }: ReadyImage, mapSize: MapSize): Background['grid'] {
  return depth === undefined ? map => gridOf(map, mapSize, placement) : undefined;
}

/** What is said of one target. */
interface TargetParts {
  readonly target: ResolvedTarget;
  readonly row: ScoreRow;
  readonly method: MethodRun;
  readonly report: DetectionReport | undefined;
}

function explainedTarget(
  { target, row, method, report }: TargetParts,
  { labels, headKind }: HeadSetting,
): ExplainedTarget {
  const { ownScore } = method.definition;
  const detection = report?.detection;
  const index = row.classOf(target.terms[0]!.index);
  return {
    index,
    label: labels?.names[index] ?? null,
    score: ownScore ? ownScore.value(row, withoutRanks(target, row), method) : row.score(target),
    probability: detection ? detection.confidence : probabilityOf(target, row, index, headKind),
    kind: target.kind,
    ...(detection?.box && { box: detection.box }),
  };
}
