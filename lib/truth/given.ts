import { checkNames, isRecord } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import { invalidTruth } from './error.ts';
import { checkBox } from './marked-picture.ts';
import type { PictureTruth, Truth, TruthLabel, TruthMask } from './truth.ts';

/** Boxes and mask from the caller. @throws `ERR_TRUTH_INVALID`, `ERR_OPTION_INVALID` for unknown names */
export function givenTruth(given: unknown, from: string): PictureTruth | undefined {
  if (given === undefined || given === null) return undefined;
  if (!isRecord(given)) throw invalidTruth(from, `expected { boxes, mask, label }, not ${shown(given)}`);
  checkNames(given, ['boxes', 'mask', 'label'], 'truth');
  const { boxes = [], mask, label } = given;
  if (!Array.isArray(boxes)) throw invalidTruth(from, '`boxes` is an array of boxes [x, y, width, height]');
  if (label !== undefined && typeof label !== 'string' && !(Number.isSafeInteger(label) && (label as number) >= 0))
    throw invalidTruth(from, `\`label\` is a label or a class index, not ${shown(label)}`);
  const truth: Truth = {
    boxes: boxes.map((box, i) => checkBox(box, `${from} boxes[${i}]`)),
    ...(mask !== undefined && mask !== null && { mask: givenMask(mask, from) }),
    ...(label !== undefined && { label: label as TruthLabel }),
  };
  const isEmpty = truth.boxes.length === 0 && !truth.mask;
  return {
    from,
    labels: truth.label === undefined ? [] : [truth.label],
    at: async () => (isEmpty ? undefined : truth),
  };
}

function givenMask(mask: unknown, from: string): TruthMask {
  if (!isRecord(mask)) throw invalidTruth(from, `\`mask\` is { data, width, height }, not ${shown(mask)}`);
  const { width, height } = (isRecord(mask.info) ? mask.info : mask) as { width?: unknown; height?: unknown };
  const data = mask.data as ArrayLike<number | boolean> | undefined;
  const isList = Array.isArray(data) || ArrayBuffer.isView(data);
  if (
    !isList ||
    !Number.isSafeInteger(width) ||
    !Number.isSafeInteger(height) ||
    data!.length !== (width as number) * (height as number)
  )
    throw invalidTruth(
      from,
      `\`mask\` holds width · height numbers, one a pixel; this one has ${isList ? data!.length : 'none'} for ${shown(width)}x${shown(height)}`,
    );
  const made = new Uint8Array(data!.length);
  let [objects, others] = [0, 0];
  for (let i = 0; i < made.length; i++) {
    const value = Number(data![i]);
    if (!(value >= 0)) throw invalidTruth(from, `\`mask\` holds ${shown(data![i])} at ${i}; expected 0, 1 or 255`);
    made[i] = value === 0 ? 0 : value === 255 ? 255 : 1;
    if (made[i] === 1) objects++;
    else if (made[i] === 255) others++;
  }
  // Black and white, as in files.
  if (objects === 0 && others > 0) for (let i = 0; i < made.length; i++) if (made[i] === 255) made[i] = 1;
  return { data: made, width: width as number, height: height as number };
}
