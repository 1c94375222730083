import { controlMap } from '../evaluation/controls.ts';
import { CURVED } from '../evaluation/curves.ts';
import type { Control } from '../evaluation/direction.ts';
import { paramsText } from '../evaluation/rows.ts';
import type { Measurements } from '../metrics/measurement.ts';
import type { ReadyImage } from '../network/images.ts';
import type { EvaluatedMapLine, EvaluatedPicture } from '../report/evaluated-image.ts';
import type { Plane } from '../report/fit-grid.ts';
import { layersText } from '../report/layers-text.ts';
import type { SmallCurve, SmallPicture } from '../report/payload.ts';
import { predictedClass } from '../report/predicted-class.ts';
import { smallCurve } from '../report/small-curve.ts';
import { smallMap } from '../report/small-map.ts';
import { smallPicture } from '../report/small-picture.ts';
import type { Explanation } from '../result/explanation.ts';
import { askedKind } from '../targets/target.ts';
import type { EvaluatedImage, EvaluatedMap } from './evaluate-image.ts';

/** Cells of controls along the longer side: no smaller grid gives noise back, and every image has its own. */
const CELLS: Readonly<Partial<Record<Control, number>>> = { random: 64, centre: 32 };

/** What a page shows of an image that was evaluated. @param withPicture false where it is kept already */
export async function evaluatedPicture(
  evaluated: EvaluatedImage,
  said: { readonly name: string; readonly index: number; readonly correct: boolean | null },
  withPicture: boolean,
): Promise<EvaluatedPicture> {
  const { image } = evaluated.image;
  const explained = evaluated.maps.find(({ explanation }) => explanation)?.explanation;
  const { picture: original } = image.placement;
  return {
    ...said,
    size: { width: original.width, height: original.height },
    picture: withPicture ? await pictureOf(image) : null,
    predictions: (explained?.predictions ?? []).map(predictedClass),
    error: null,
    maps: evaluated.maps.map(map => mapLine(map, evaluated, explained)),
  };
}

/** null where a large one that is decoded again is gone by now. */
async function pictureOf(image: ReadyImage): Promise<SmallPicture | null> {
  return image.picture().then(
    ({ picture }) => smallPicture(picture),
    () => null,
  );
}

function mapLine(made: EvaluatedMap, evaluated: EvaluatedImage, explained: Explanation | undefined): EvaluatedMapLine {
  const { method, layer, convention, params, explanation, map, measurements } = made;
  const { image, class: index, label, probability } = evaluated;
  const target = (explanation ?? explained)?.target;
  const kind = target?.kind ?? image.target.kind;
  const { status = 'ok', reason = null } = explanation ?? verdictOf(measurements);
  const layers = explanation ? [explanation.layer].flat().map(({ name }) => name) : [];
  return {
    method,
    layer,
    convention,
    params: paramsText(params),
    target: {
      index: target?.index ?? index,
      label: target?.label ?? label,
      probability: target ? target.probability : probability,
      score: explanation ? explanation.target.score : image.subject.score('logit'),
      kind: askedKind(kind),
    },
    status,
    reason,
    warnings: explanation?.warnings ?? [],
    layers: layersText(layers),
    map: status === 'not-finite' ? null : smallMap(shownMap(method, map), placeOf(image.image), explanation?.raw),
    curves: curvesOf(measurements),
  };
}

const placeOf = ({ placement }: ReadyImage) => ({ over: 'input', placement }) as const;

/** A control's map has the status that metrics found. */
function verdictOf(measurements: Measurements): Partial<Pick<Explanation, 'status' | 'reason'>> {
  const [first] = Object.values(measurements);
  return first ? { status: first.status } : {};
}

/** Controls at as many pixels as say what they are: noise as a part of its pixels, evenly picked; the Gaussian made anew. */
function shownMap(method: string, map: Plane): Plane {
  const cells = CELLS[method as Control];
  const longest = Math.max(map.width, map.height);
  if (cells === undefined || longest <= cells) return map;
  const side = (length: number) => Math.max(1, Math.round((length * cells) / longest));
  const size = { width: side(map.width), height: side(map.height) };
  if (method === 'centre') return { data: controlMap(method, size, 0, 0), ...size };
  const place = (i: number, count: number, length: number) => Math.floor(((i + 0.5) * length) / count);
  const data = Float32Array.from({ length: size.width * size.height }, (_, i) => {
    const row = place(Math.floor(i / size.width), size.height, map.height);
    return map.data[row * map.width + place(i % size.width, size.width, map.width)]!;
  });
  return { data, ...size };
}

/** A curve with a value that is no number is none. */
function curvesOf(measurements: Measurements): Record<string, SmallCurve> {
  const found: Record<string, SmallCurve> = {};
  for (const { metric, curve } of Object.values(measurements))
    if (CURVED.has(metric) && curve && [...curve.x, ...curve.y].every(Number.isFinite))
      found[metric] = smallCurve(curve);
  return found;
}
