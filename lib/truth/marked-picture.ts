import type { Size } from '../image/geometry.ts';
import type { Box } from '../targets/detection.ts';
import { invalidTruth } from './error.ts';
import type { PictureTruth, Truth, TruthLabel, TruthMask } from './truth.ts';

/** One object of a picture, in the pixels of the upright picture. */
export interface MarkedObject {
  readonly label?: TruthLabel;
  readonly box?: Box;
  /** What it covers, not told apart: takes no part. */
  readonly ignored?: boolean;
  /** Sets its pixels to a value. @throws `ERR_TRUTH_INVALID` */
  readonly paint?: (mask: TruthMask, value: number) => void;
}

/** A picture whose objects are listed. */
export class MarkedPicture implements PictureTruth {
  readonly from: string;
  readonly objects: MarkedObject[] = [];
  readonly #size: Size | undefined;

  /** @param size that the file says of the picture */
  constructor(from: string, size?: Size) {
    this.from = from;
    this.#size = size;
  }

  get labels(): readonly TruthLabel[] {
    const areas = new Map<TruthLabel, number>();
    for (const { label, box, ignored } of this.objects)
      if (label !== undefined && !ignored) areas.set(label, (areas.get(label) ?? 0) + (box ? box[2] * box[3] : 0));
    return [...areas].sort(([, a], [, b]) => b - a).map(([label]) => label);
  }

  async at(size: Size, isWanted?: (label: TruthLabel) => boolean): Promise<Truth | undefined> {
    this.#checkSize(size);
    const { labels } = this;
    const chosen = new Set(labels.length <= 1 ? labels : isWanted ? labels.filter(isWanted) : labels.slice(0, 1));
    const all = this.objects.filter(({ label }) => label === undefined || labels.length === 0 || chosen.has(label));
    const objects = all.filter(({ ignored }) => !ignored);
    const boxes = objects.flatMap(({ box }) => (box ? [box] : []));
    if (boxes.length === 0 && !objects.some(({ paint }) => paint)) return undefined;
    const [label] = chosen;
    const needsMask = all.some(({ paint, ignored }) => paint || ignored);
    return { boxes, label, ...(needsMask && { mask: painted(size, all) }) };
  }

  #checkSize(size: Size): void {
    const said = this.#size;
    if (!said || (said.width === size.width && said.height === size.height)) return;
    const isTurned = said.width === size.height && said.height === size.width;
    throw invalidTruth(
      this.from,
      `it is about a picture of ${said.width}x${said.height} pixels, the picture has ${size.width}x${size.height}` +
        (isTurned
          ? ' once it is turned as its EXIF data say; truth is in the pixels of the upright picture'
          : '; give the picture that was annotated, or scale the annotation'),
    );
  }
}

/** What takes no part first: objects lie on top. */
function painted({ width, height }: Size, objects: readonly MarkedObject[]): TruthMask {
  const mask = { data: new Uint8Array(width * height), width, height };
  for (const value of [255, 1])
    for (const { paint, box, ignored } of objects) {
      if ((value === 255) !== (ignored === true)) continue;
      if (paint) paint(mask, value);
      else if (box) fillBox(mask, box, value);
    }
  return mask;
}

/** Every pixel that the box touches. */
export function fillBox({ data, width, height }: TruthMask, [x, y, w, h]: Box, value: number): void {
  const left = Math.max(0, Math.floor(x));
  const right = Math.min(width, Math.ceil(x + w));
  if (right <= left) return;
  for (let row = Math.max(0, Math.floor(y)); row < Math.min(height, Math.ceil(y + h)); row++)
    data.fill(value, row * width + left, row * width + right);
}

/** Four finite numbers, no negative size. @throws `ERR_TRUTH_INVALID` */
export function checkBox(values: unknown, from: string): Box {
  const four = Array.isArray(values) || ArrayBuffer.isView(values) ? [...(values as Iterable<unknown>)] : [];
  if (four.length !== 4 || !four.every(value => typeof value === 'number' && Number.isFinite(value)))
    throw invalidTruth(from, 'a box is four finite numbers [x, y, width, height] in pixels');
  const [x, y, width, height] = four as [number, number, number, number];
  if (width < 0 || height < 0) throw invalidTruth(from, `a box has no negative size, this one is ${width}x${height}`);
  return [x, y, width, height];
}
