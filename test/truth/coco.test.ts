import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countsOfText, paintPolygon, paintRuns } from '../../lib/truth/coco-shapes.ts';
import { openTruth } from '../../lib/truth/open-truth.ts';
import { expectError } from '../helpers/expect-error.ts';
import { folderWith, text } from './helpers.ts';

/** test/golden/make_coco_masks.py */
const golden = JSON.parse(readFileSync(new URL('../golden/coco-masks.json', import.meta.url), 'utf8'));
const [H, W] = golden.size;
const blank = (height = H, width = W) => ({ data: new Uint8Array(height * width), width, height });

describe('as pycocotools', () => {
  it.each(golden.outlines as { points: number[]; mask: string }[])('outline $points', ({ points, mask }) => {
    const drawn = blank();
    paintPolygon(drawn, points, 1);
    expect(text(drawn)).toBe(mask);
  });

  it.each(golden.codes as { counts: string; size?: [number, number]; mask?: string; sum?: number }[])(
    'runs $counts',
    ({ counts, size = [H, W], mask, sum }) => {
      const drawn = blank(...(size as [number, number]));
      paintRuns(drawn, countsOfText(counts)!, 1);
      if (mask) expect(text(drawn)).toBe(mask);
      else expect(drawn.data.reduce((a, b) => a + b, 0)).toBe(sum);
    },
  );
});

const image = { id: 1, file_name: 'val/cat.jpg', width: 4, height: 3 };
const categories = [
  { id: 17, name: 'cat' },
  { id: 18, name: 'dog' },
];
const square = [1, 1, 3, 1, 3, 3, 1, 3];
const document = (annotations: object[], more: object = {}) =>
  JSON.stringify({ images: [image], categories, annotations: annotations.map(a => ({ image_id: 1, ...a })), ...more });
const open = (content: string) => openTruth(join(folderWith({ 'truth.json': content }), 'truth.json'));
const size = { width: 4, height: 3 };

describe('a COCO file', () => {
  it('gives boxes, masks and names of classes, the largest first', async () => {
    const truth = await open(
      document([
        { category_id: 17, bbox: [0, 0, 1, 1] },
        { category_id: 18, bbox: [1, 1, 2, 2], segmentation: [square], iscrowd: 0 },
        { category_id: 18, bbox: [0, 0, 1, 3], segmentation: { size: [3, 4], counts: [0, 3, 9] }, iscrowd: 1 },
      ]),
    );
    const picture = (await truth.find('/data/val/cat.jpg'))!;
    expect(picture.labels).toEqual(['dog', 'cat']);
    const dog = await picture.at(size);
    expect(dog).toMatchObject({ label: 'dog', boxes: [[1, 1, 2, 2]] });
    expect(text(dog?.mask).replaceAll('255', 'x')).toBe('x000x110x110');
    expect(await picture.at(size, label => label === 'cat')).toEqual({ label: 'cat', boxes: [[0, 0, 1, 1]] });
    expect(await picture.at(size, label => label === 'bird')).toBeUndefined();
    expect(truth.unmatched()).toBe(0);
  });

  it('counts pictures that nobody asked for, and knows nothing of others', async () => {
    const truth = await open(document([]));
    expect(await truth.find('dog.jpg')).toBeUndefined();
    expect(truth.unmatched()).toBe(1);
    const picture = await truth.find('cat.jpg');
    expect(picture?.labels).toEqual([]);
    expect(await picture?.at(size)).toBeUndefined();
  });

  it('leaves out boxes without a size, as there are some in COCO', async () => {
    const truth = await open(document([{ category_id: 17, bbox: [1, 1, 0, 2] }]));
    expect(await (await truth.find('cat.jpg'))!.at(size)).toBeUndefined();
  });

  it('is refused for pictures of another size, turned ones with the reason', async () => {
    const picture = (await (await open(document([{ category_id: 17, bbox: [0, 0, 1, 1] }]))).find('cat.jpg'))!;
    await expectError(() => picture.at({ width: 3, height: 4 }), 'ERR_TRUTH_INVALID', '4x3', '3x4', 'EXIF');
    await expectError(() => picture.at({ width: 8, height: 6 }), 'ERR_TRUTH_INVALID', 'images[0]', '8x6');
  });

  const far = [1e9, 0, 1e9, 1e9, 0, 1e9];
  it.each([
    ['no JSON', '{', 'no JSON'],
    ['a list', '[]', 'expected an object'],
    ['nothing', '{}', 'images'],
    ['no name', document([], { images: [{ id: 1 }] }), 'images[0]', 'file_name'],
    ['a huge picture', document([], { images: [{ ...image, width: 1e300 }] }), 'images[0]', '1e+300'],
    ['a picture of size 0', document([], { images: [{ ...image, width: 0 }] }), 'images[0]'],
    ['null', document([], { annotations: [null] }), 'annotations[0]'],
    ['an unknown picture', document([{ image_id: '__proto__' }]), 'annotations[0]', '__proto__'],
    ['an unknown category', document([{ category_id: 5, bbox: [0, 0, 1, 1] }]), 'no category'],
    ['neither box nor outline', document([{ category_id: 17 }]), 'neither'],
    ['a short box', document([{ bbox: [1, 2, 3], category_id: 17 }]), 'four finite numbers'],
    ['a box of texts', document([{ bbox: ['1', 0, 1, 1], category_id: 17 }]), 'four finite numbers'],
    [
      'a box of 1e999',
      document([{ bbox: [0, 0, 0, 0], category_id: 17 }]).replace('[0,0,0,0]', '[0,0,1e999,1]'),
      'finite',
    ],
    ['a negative box', document([{ bbox: [0, 0, -1, 1], category_id: 17 }]), 'negative'],
    ['two points', document([{ segmentation: [[0, 0, 1, 1]], category_id: 17 }]), 'three points'],
    ['a text as code', document([{ segmentation: 'x', category_id: 17 }]), 'neither outlines'],
    ['damaged runs', document([{ segmentation: { size: [3, 4], counts: '\u0001' }, category_id: 17 }]), 'damaged'],
    [
      'runs without an end',
      document([{ segmentation: { size: [3, 4], counts: 'ooooooooo' }, category_id: 17 }]),
      'damaged',
    ],
    ['negative runs', document([{ segmentation: { size: [3, 4], counts: [-12, 24] }, category_id: 17 }]), 'damaged'],
    [
      'runs for another size',
      document([{ segmentation: { size: [1e6, 1e6], counts: [12] }, category_id: 17 }]),
      '12 pixels',
    ],
  ])('is refused with the place: %s', async (_, content, ...says) => {
    await expectError(() => open(content), 'ERR_TRUTH_INVALID', 'truth.json', ...says);
  });

  it.each([
    ['an outline that leads far away', [far], 'far out'],
    ['runs of a huge size', { size: [2 ** 26, 2 ** 26], counts: [2 ** 52] }, 'the picture 4x3'],
  ])('is refused before it is drawn: %s', async (_, segmentation, says) => {
    const picture = (await (await open(document([{ category_id: 17, segmentation }]))).find('cat.jpg'))!;
    await expectError(() => picture.at(size), 'ERR_TRUTH_INVALID', 'annotations[0]', says);
  });
});
