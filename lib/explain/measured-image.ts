import { OnnxCamError } from '../common/errors.ts';
import type { Progress } from '../common/progress.ts';
import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import { type Classes, Subject } from '../metrics/subject.ts';
import type { ReadyImage } from '../network/images.ts';
import type { PictureScorer } from '../scoring/picture-scorer.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import { hasProbability, headSetting } from './head-setting.ts';
import { imagesOf, withoutRanks } from './run-targets.ts';
import type { ScorePair, VariantRunner } from './score-variants.ts';
import { scoresAsked } from './scores-asked.ts';
import type { Stage } from './stage.ts';

/** How an image is measured. */
export interface MeasureCall {
  readonly seed: number;
  /** Place of the image in its call. */
  readonly index: number;
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** An image whose maps are measured: its class, and what scores its changed copies. */
export interface MeasuredImage extends VariantRunner {
  readonly stage: Stage;
  readonly image: ReadyImage;
  /** The clean image's: a class in the place of a rank. */
  readonly target: ResolvedTarget;
  readonly row: ScoreRow;
  readonly scorer: PictureScorer;
}

/** By network: scores of inputs that belong to it, by target, size and baseline. */
const constants = new WeakMap<object, Map<string, Map<string, ScorePair>>>();
/** Targets and sizes whose constants are kept. */
const KEPT = 256;

/**
 * Runs the network on the clean image and fixes the class, also where a later prediction is another.
 * @throws `ERR_INPUT_SHAPE` for volumes, and what a run throws
 */
export async function openMeasured(
  stage: Stage,
  image: ReadyImage,
  asked: ResolvedTarget,
  call: MeasureCall,
): Promise<MeasuredImage> {
  const { network, scorers, setting } = stage;
  const { layout } = network.model.input;
  const { data, dims } = image.tensor;
  if (dims.length !== 4 || layout === 'ntchw')
    throw new OnnxCamError('ERR_INPUT_SHAPE', `metrics judge maps of pictures, this input is [${dims}]`);
  const { seed, index, signal, batchSize, onProgress } = call;
  const { output, readout } = asked;
  const work = [{ image, targets: [asked], index: 0 }];
  const plan = { output, readout, activations: [], gradients: [], manyScores: false };
  const candidates = readout?.kind === 'detection';
  const run = await network.run({
    images: await imagesOf(network, work),
    // What counts on the clean image counts on its changed copies: positions, or candidates.
    plan: { ...plan, region: candidates || readout?.kind === 'region', candidates },
    layers: [],
    targets: [],
    signal,
  });
  const row = run.rows[0]!;
  const own = withoutRanks(asked, row);
  const { headKind } = headSetting(setting, network, own);
  const probable = probabilityOf(own, hasProbability(headKind));
  const request = await scoresAsked({ network, run, work, targets: [probable, own] }, 0, {
    batchSize,
    signal,
    onProgress,
  });
  const scorer = scorers.pictures(request);
  const [channels, height, width] = (layout === 'nhwc' ? [dims[3], dims[1], dims[2]] : dims.slice(1)) as [
    number,
    number,
    number,
  ];
  const subject = new Subject({
    input: data,
    shape: { channels, height, width, channelsLast: layout === 'nhwc' },
    preprocess: inInputUnits(image.preprocess),
    scores: { probability: row.score(probable), logit: row.score(own) },
    classes: classesOf(own, row),
    probable: probable.terms.length === 1 && probable.terms[0]!.view === 'probability',
    seed,
    index,
    signal,
  });
  return {
    stage,
    image,
    target: own,
    row,
    scorer,
    subject,
    run: variants => scorer.pixels(variants),
    // What a readout is fed (a region, vectors) is the image's or the call's own.
    constants: readout
      ? new Map()
      : constantsOf(network, JSON.stringify([own.output, own.terms, request.size, inInputUnits(image.preprocess)])),
  };
}

/**
 * The target read as a probability: of a plain class, or of one category of a binary head. Others (contrasts, sums over
 * positions, similarities, regressions) have none and are read as they are.
 */
function probabilityOf(target: ResolvedTarget, hasOne: boolean): ResolvedTarget {
  const [term, ...others] = target.terms;
  const plain = others.length === 0 && term?.view === 'logit' && term.weight === 1;
  if (!plain || !target.classification || !hasOne) return target;
  return { ...target, terms: [{ ...term, view: 'probability' }] };
}

/** Of a target that is one class among others. */
function classesOf({ kind, terms, classification }: ResolvedTarget, { logits }: ScoreRow): Classes | undefined {
  const [term, ...others] = terms;
  if (kind !== 'class' || !classification || !term || others.length > 0 || logits.length < 2) return undefined;
  return { target: term.index, logits };
}

/** Mean and deviation of the input's channels, after its scale. */
function inInputUnits(preprocess: ResolvedPreprocess | null): { mean: number[]; std: number[] } | null {
  return preprocess && { mean: [...preprocess.mean], std: [...preprocess.std] };
}

function constantsOf(network: object, key: string): Map<string, ScorePair> {
  let byKey = constants.get(network);
  if (!byKey) constants.set(network, (byKey = new Map()));
  let known = byKey.get(key);
  if (!known) byKey.set(key, (known = new Map()));
  if (byKey.size > KEPT) byKey.delete(byKey.keys().next().value as string);
  return known;
}
