import { inputToPicture, mappedRect, type Placement, pictureToInput } from '../image/geometry.ts';
import type { NetworkResult } from '../network/network.ts';
import type { Candidates } from '../plan/detection-readout.ts';
import type { Box } from '../targets/detection.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';

/** The candidate that a detection target stands for: the most confident of those that count. */
export interface Detection {
  /** In the picture's pixels; none where what is taken for boxes makes none. */
  readonly box?: Box;
  readonly confidence: number;
}

/** What is reported of a detection target besides its score. */
export interface DetectionReport {
  readonly detection?: Detection;
  readonly warnings: readonly string[];
}

/** The target with its box in the input's pixels instead of the picture's. */
export function onInput(target: ResolvedTarget, placement: Placement): ResolvedTarget {
  const { readout } = target;
  if (readout?.kind !== 'detection' || !readout.box) return target;
  const [x, y, width, height] = readout.box;
  const own = mappedRect({ x, y, width, height }, pictureToInput(placement));
  const box: Box = [own.x, own.y, own.width, own.height];
  return { ...target, readout: { ...readout, box } };
}

/** The report on one image's target; undefined for targets that are no detections. */
export function reportDetection(
  target: ResolvedTarget,
  { candidates, region, rows }: NetworkResult,
  i: number,
  placement: Placement,
): DetectionReport | undefined {
  const { readout } = target;
  if (readout?.kind !== 'detection' || !candidates) return undefined;
  const k = rows[i]!.classOf(target.terms[0]!.index);
  const overlaps = readout.box && overlapsWith(candidates, i, readout.box);
  const nearest = overlaps?.reduce((most, one) => Math.max(most, one), 0);
  const [count, classes] = candidates.confidences.dims.slice(1) as [number, number];
  const confidences = nthRow(candidates.confidences, i);
  const mask = region && nthRow(region, i);
  const counts = (a: number): boolean => {
    if (mask) return mask[mask.length === count ? a : a * classes + k] !== 0;
    return overlaps ? overlaps[a]! > 0 && overlaps[a]! >= Math.min(readout.iou, nearest!) : true;
  };
  let best = -1;
  for (let a = 0; a < count; a++)
    if (counts(a) && (best < 0 || confidences[a * classes + k]! > confidences[best * classes + k]!)) best = a;
  const confidence = best < 0 ? 0 : confidences[best * classes + k]!;
  const warnings = warningsOf(readout.iou, nearest, best >= 0 && confidence > 0, k);
  if (best < 0 || !(confidence > 0)) return { warnings };
  const corners = nthRow(candidates.boxes, i);
  if (areNoBoxes(corners)) return { detection: { confidence }, warnings: [...warnings, NO_BOXES] };
  const box = onPicture(corners.subarray(best * 4, best * 4 + 4) as Float32Array, placement);
  return { detection: { box, confidence }, warnings };
}

/** Share of candidates whose box may end before it begins: rounding, and candidates that nobody looks at. */
const FEW = 0.1;

const NO_BOXES =
  'what is taken for the boxes of this detector ends before it begins in many candidates, so that no box is given: they may be ' +
  'offsets from anchors, which an export that decodes its boxes would not have, or be written in another way (detection({ format: ' +
  "{ name, boxes: 'xyxy', 'yxyx' or 'xywh' } })); the score of the class does not depend on them";

/** Whether many corners are in the wrong order. @param corners [A,4] */
function areNoBoxes(corners: Float32Array): boolean {
  const count = corners.length / 4;
  let reversed = 0;
  for (let a = 0; a < count; a++)
    if (corners[4 * a + 2]! < corners[4 * a]! || corners[4 * a + 3]! < corners[4 * a + 1]!) reversed++;
  return reversed > FEW * count;
}

function warningsOf(iou: number, nearest: number | undefined, found: boolean, k: number): string[] {
  if (nearest === 0) return ['no candidate of the detector overlaps the box, so that its score is 0; give another box'];
  if (nearest !== undefined && nearest < iou)
    return [
      `no candidate of the detector overlaps the box by an IoU of ${iou}; those that overlap it most ` +
        `(${nearest.toFixed(2)}) were taken`,
    ];
  return found ? [] : [`class ${k} is not detected, so that its score is 0`];
}

/** A detection as others are compared with it. */
export interface Reference {
  /** Corners in the input's pixels. */
  readonly corners: readonly number[];
  readonly classes: Float32Array;
}

/**
 * What D-RISE compares with for a target: the box given, or that of the most confident candidate; the class given, or the
 * class vector of that candidate (with a box: of the one that overlaps it most).
 */
export function referenceOf(
  target: ResolvedTarget,
  { boxes, confidences }: Candidates,
  i: number,
  row: ScoreRow,
): Reference {
  const { index } = target.terms[0]!;
  const box = target.readout?.kind === 'detection' ? target.readout.box : undefined;
  const [count, classes] = confidences.dims.slice(1) as [number, number];
  const values = nthRow(confidences, i);
  const overlaps = box && overlapsWith({ boxes, confidences }, i, box);
  const k = row.classOf(index);
  const rank = (a: number) => (overlaps ? overlaps[a]! : values[a * classes + k]!);
  let best = 0;
  for (let a = 1; a < count; a++) if (rank(a) > rank(best)) best = a;
  const oneHot = new Float32Array(classes);
  oneHot[k] = 1;
  const vector = values.slice(best * classes, (best + 1) * classes);
  const given = box && index >= 0;
  return {
    corners: box ? cornersOf(box) : [...nthRow(boxes, i).subarray(best * 4, best * 4 + 4)],
    classes: given || !vector.some(value => value > 0) ? oneHot : vector,
  };
}

const cornersOf = ([x, y, width, height]: Box): number[] => [x, y, x + width, y + height];

/** IoU of each candidate of image `i` with a box in the input's pixels. */
function overlapsWith({ boxes }: Candidates, i: number, box: Box): Float64Array {
  const [left, top, right, bottom] = cornersOf(box) as [number, number, number, number];
  const corners = nthRow(boxes, i);
  return Float64Array.from({ length: corners.length / 4 }, (_, a) => {
    const [x1, y1, x2, y2] = corners.subarray(4 * a, 4 * a + 4) as unknown as [number, number, number, number];
    const common =
      positive(Math.min(x2, right) - Math.max(x1, left)) * positive(Math.min(y2, bottom) - Math.max(y1, top));
    const union = positive(x2 - x1) * positive(y2 - y1) + (right - left) * (bottom - top) - common;
    return union > 0 ? common / union : 0;
  });
}

const positive = (value: number): number => Math.max(0, value);

function onPicture([x1, y1, x2, y2]: ArrayLike<number> & Iterable<number>, placement: Placement): Box {
  const box = { x: x1!, y: y1!, width: x2! - x1!, height: y2! - y1! };
  const { x, y, width, height } = mappedRect(box, inputToPicture(placement));
  return [x, y, width, height];
}

/** One image's share of a tensor; of a tensor for all images the whole. */
function nthRow<T extends Float32Array | Uint8Array>(
  { data, dims }: { data: T; dims: readonly number[] },
  n: number,
): T {
  const size = data.length / dims[0]!;
  const own = Math.min(n, dims[0]! - 1);
  return data.subarray(own * size, (own + 1) * size) as T;
}
