import { isRecord } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import type { Size } from '../image/geometry.ts';
import { countsOfText, paintPolygon, paintRuns } from './coco-shapes.ts';
import { invalidTruth } from './error.ts';
import { checkBox, type MarkedObject, MarkedPicture } from './marked-picture.ts';
import { NameIndex } from './name-index.ts';
import type { TruthMask } from './truth.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The pictures of a COCO file of instances: `images`, `annotations` (boxes, outlines, run-length codes; `iscrowd` takes no part)
 * and `categories`, whose names are the labels.
 * @throws `ERR_TRUTH_INVALID`
 */
export function readCoco(document: unknown, path: string): NameIndex<MarkedPicture> {
  if (!isRecord(document)) throw invalidTruth(path, 'expected an object with images and annotations, as COCO has them');
  const names = categoryNames(document.categories, path);
  const index = new NameIndex<MarkedPicture>(path);
  const pictures = new Map<unknown, MarkedPicture>();
  listOf(document, 'images', path).forEach((image, i) => {
    const from = `${path} images[${i}]`;
    if (typeof image.file_name !== 'string') throw invalidTruth(from, '`file_name` is missing');
    const size = sizeOf(image, from);
    pictures.set(
      image.id,
      index.take(image.file_name, () => new MarkedPicture(`${path} images[${i}] (${image.file_name})`, size)),
    );
  });
  listOf(document, 'annotations', path).forEach((annotation, i) => {
    const from = `${path} annotations[${i}]`;
    const picture = pictures.get(annotation.image_id);
    if (!picture) throw invalidTruth(from, `no image has the id ${shown(annotation.image_id)}`);
    picture.objects.push(objectOf(annotation, names, from));
  });
  return index;
}

function categoryNames(categories: unknown, path: string): Map<unknown, string> {
  if (categories === undefined) return new Map();
  return new Map(
    listOf({ categories }, 'categories', path).map(({ id, name }, i) => {
      if (typeof name !== 'string') throw invalidTruth(`${path} categories[${i}]`, '`name` is missing');
      return [id, name];
    }),
  );
}

function objectOf(annotation: Json, names: ReadonlyMap<unknown, string>, from: string): MarkedObject {
  const { category_id: category, segmentation, iscrowd } = annotation;
  if (names.size > 0 && !names.has(category)) throw invalidTruth(from, `no category has the id ${shown(category)}`);
  const box = annotation.bbox === undefined ? undefined : checkBox(annotation.bbox, from);
  const paint = segmentation === undefined ? undefined : painterOf(segmentation, from);
  if (!box && !paint) throw invalidTruth(from, 'it has neither `bbox` nor `segmentation`');
  return {
    ...(category !== undefined && { label: names.get(category) ?? `category ${shown(category)}` }),
    // There are some without a width in COCO itself.
    ...(box && box[2] > 0 && box[3] > 0 && { box }),
    ...(paint && { paint }),
    ...((iscrowd === 1 || iscrowd === true) && { ignored: true }),
  };
}

/** Checked now, drawn when the picture's size is known. */
function painterOf(segmentation: unknown, from: string): MarkedObject['paint'] {
  if (Array.isArray(segmentation)) {
    for (const points of segmentation)
      if (!Array.isArray(points) || points.length < 6 || points.length % 2 === 1 || !points.every(Number.isFinite))
        throw invalidTruth(from, 'an outline is a list of at least three points [x, y, x, y, …]');
    // Without outlines the box stands for it.
    if (segmentation.length === 0) return undefined;
    return (mask, value) => {
      for (const points of segmentation as number[][]) {
        checkNear(points, mask, from);
        paintPolygon(mask, points, value);
      }
    };
  }
  if (!isRecord(segmentation)) throw invalidTruth(from, '`segmentation` is neither outlines nor a run-length code');
  const { counts, size } = segmentation;
  const runs = typeof counts === 'string' ? countsOfText(counts) : counts;
  if (!Array.isArray(runs) || !runs.every(count => Number.isSafeInteger(count) && count >= 0))
    throw invalidTruth(from, 'the counts of its run-length code are damaged');
  const [height, width] = Array.isArray(size) ? size : [];
  const total = runs.reduce((sum: number, count: number) => sum + count, 0);
  if (!isSide(height) || !isSide(width) || total !== height * width)
    throw invalidTruth(from, `its run-length code holds ${total} pixels for the size ${shown(size)} [height, width]`);
  return (mask, value) => {
    if (mask.width !== width || mask.height !== height)
      throw invalidTruth(
        from,
        `its run-length code is ${width}x${height} pixels, the picture ${mask.width}x${mask.height}`,
      );
    paintRuns(mask, runs as number[], value);
  };
}

/** Points far away would be walked to pixel by pixel. */
function checkNear(points: readonly number[], { width, height }: TruthMask, from: string): void {
  const isNear = (value: number, side: number) => value >= -side && value <= 2 * side;
  if (!points.every((value, i) => isNear(value, i % 2 === 0 ? width : height)))
    throw invalidTruth(from, `an outline leads far out of the picture of ${width}x${height} pixels`);
}

function sizeOf({ width, height }: Json, from: string): Size | undefined {
  if (width === undefined && height === undefined) return undefined;
  if (!isSide(width) || !isSide(height))
    throw invalidTruth(from, `the picture's size is ${shown(width)}x${shown(height)}`);
  return { width, height };
}

function isSide(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function listOf(document: Json, name: string, path: string): readonly Json[] {
  const list = document[name];
  if (!Array.isArray(list)) throw invalidTruth(path, `\`${name}\` is missing; expected COCO's images and annotations`);
  list.forEach((entry, i) => {
    if (!isRecord(entry)) throw invalidTruth(`${path} ${name}[${i}]`, 'expected an object');
  });
  return list;
}
