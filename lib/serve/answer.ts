import { place } from '../image/geometry.ts';
import type { Explanation } from '../index.ts';
import type { ReportMaker, ReportResult } from '../report/data.ts';
import { layersText } from '../report/layers-text.ts';
import type { SmallMap } from '../report/payload.ts';
import { finite, predictedClass } from '../report/predicted-class.ts';
import { smallMap } from '../report/small-map.ts';
import { LONGEST_SIDE } from '../report/small-picture.ts';
import { askedKind } from '../targets/target.ts';
import type { ServedExplanation } from './api.ts';
import { asCommand } from './as-command.ts';
import { asProgram } from './as-program.ts';
import type { HeldModel } from './held-model.ts';
import type { HeldPicture } from './held-picture.ts';
import type { Question } from './question.ts';

export interface Answering {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Explains, and puts it as a page takes it. @throws what `explain` throws */
export async function answer(
  model: HeldModel,
  picture: HeldPicture,
  question: Question,
  { signal, onProgress }: Answering,
): Promise<ServedExplanation> {
  const start = performance.now();
  const { method, layer, targets, techniques, seed } = question;
  const explained = await model.cam.explain(picture.path, {
    method,
    layer,
    target: targets.length === 1 ? targets[0] : (targets as never),
    technique: techniques.length === 0 ? undefined : techniques,
    seed,
    mapSize: { max: LONGEST_SIDE },
    signal,
    onProgress,
  });
  const explanations = [explained].flat(3) as Explanation[];
  const warnings = [...new Set(explanations.flatMap(one => one.warnings))];
  const maps: SmallMap[] = [];
  const results = explanations.map((one): ReportResult => {
    const map = mapOf(one, picture);
    return {
      maker: 0,
      target: { ...predictedClass(one.target), score: finite(one.target.score), kind: askedOf(one, question) },
      status: one.status,
      reason: one.reason,
      warnings: one.warnings.map(warning => warnings.indexOf(warning)),
      layer: layersOf(one),
      map: map ? maps.push(map) - 1 : null,
      metrics: {},
    };
  });
  const [first] = explanations;
  return {
    type: 'result',
    predictions: first!.predictions.map(predictedClass),
    maker: makerOf(first!, question),
    results,
    maps,
    warnings,
    milliseconds: performance.now() - start,
    command: asCommand(model.source, picture.name, question),
    program: asProgram(model.source, picture.name, question),
  };
}

/** null where there is nothing to see. */
function mapOf({ map, raw, preprocess, status }: Explanation, { served }: HeldPicture): SmallMap | null {
  if (status !== 'ok' || !preprocess) return null;
  const [width, height] = preprocess.size;
  const placement = place(served, { width, height }, preprocess.fit, preprocess);
  return smallMap(map, { over: 'picture', placement }, raw);
}

function makerOf({ method, convention, ...one }: Explanation, { techniques, seed }: Question): ReportMaker {
  return {
    method,
    layer: layersOf(one),
    convention,
    params: seed === undefined ? '' : JSON.stringify({ seed }),
    technique: techniques.join('+'),
    control: false,
  };
}

const layersOf = ({ layer }: Pick<Explanation, 'layer'>): string => layersText([layer].flat().map(({ name }) => name));

/** As it was asked: the page tells two contrasts of one class apart by it. */
function askedOf({ target: { kind } }: Explanation, { target, targets }: Question): string {
  const asked = askedKind(kind);
  return asked !== 'class' && targets.length === 1 ? target : asked;
}
