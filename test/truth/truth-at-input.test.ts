import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { place } from '../../lib/image/geometry.ts';
import { Labels } from '../../lib/targets/labels.ts';
import { classOf } from '../../lib/truth/class-of.ts';
import { openTruth } from '../../lib/truth/open-truth.ts';
import type { Truth, TruthInput } from '../../lib/truth/truth.ts';
import { truthAtInput } from '../../lib/truth/truth-at-input.ts';
import { expectError } from '../helpers/expect-error.ts';
import { folderWith } from './helpers.ts';

const grid = (mask: Uint8Array, width: number) =>
  Array.from({ length: mask.length / width }, (_, row) =>
    [...mask.subarray(row * width, (row + 1) * width)].map(value => (value === 255 ? 'x' : value)).join(''),
  );
const maskOf = (rows: readonly string[]): Truth['mask'] => ({
  data: Uint8Array.from([...rows.join('')].map(cell => (cell === 'x' ? 255 : Number(cell)))),
  width: rows[0]!.length,
  height: rows.length,
});

describe('squeeze', () => {
  const placement = place({ width: 8, height: 4 }, { width: 4, height: 4 }, 'squeeze');

  it('takes the nearest pixel of a mask, and boxes around its parts', () => {
    const mask = maskOf(['01100000', '01100000', '000000xx', '00000011']);
    const truth = truthAtInput({ boxes: [], mask }, placement, 'masks');
    // Centres ½, 1½ … of the input lie at 1, 3, 5, 7 of the picture.
    expect(grid(truth.mask, 4)).toEqual(['1000', '1000', '000x', '0001']);
    expect(truth.boxes).toEqual([
      [0, 0, 1, 2],
      [3, 3, 1, 1],
    ]);
    expect(truth.inside).toBe(3);
  });

  it('rounds edges of boxes outwards and fills a mask with them', () => {
    const truth = truthAtInput(
      {
        boxes: [
          [1, 0.5, 2, 1.2],
          [100, 100, 5, 5],
        ],
      },
      placement,
      'boxes',
    );
    expect(truth.boxes).toEqual([[0, 0, 2, 2]]);
    expect(grid(truth.mask, 4)).toEqual(['1100', '1100', '0000', '0000']);
    expect(truth.inside).toBe(4);
  });

  it('leaves an edge on a border of pixels where it is', () => {
    const thirds = place({ width: 3, height: 3 }, { width: 10, height: 10 }, 'squeeze');
    expect(truthAtInput({ boxes: [[0, 0, 3, 3]] }, thirds, '').boxes).toEqual([[0, 0, 10, 10]]);
    const sevenths = place({ width: 700, height: 700 }, { width: 7, height: 7 }, 'squeeze');
    expect(truthAtInput({ boxes: [[100, 300, 500, 200]] }, sevenths, '').boxes).toEqual([[1, 3, 5, 2]]);
  });

  it('takes a mask of the input’s size as it is, and refuses others', async () => {
    const mask = maskOf(['1000', '0000', '0000', '000x']);
    expect(truthAtInput({ boxes: [], mask }, placement, '').mask).toEqual(mask!.data);
    const turned = maskOf(['1000', '0000', '0000', '0000', '0000', '0000', '0000', '0000']);
    await expectError(
      () => truthAtInput({ boxes: [], mask: turned }, placement, 'm.png'),
      'ERR_TRUTH_INVALID',
      'm.png',
      '4x8',
      'turn',
    );
    await expectError(
      () => truthAtInput({ boxes: [], mask: maskOf(['1']) }, placement, 'm.png'),
      'ERR_TRUTH_INVALID',
      '1x1',
    );
  });

  it('of an empty mask is empty', () => {
    const truth = truthAtInput({ boxes: [], mask: maskOf(new Array(4).fill('00000000')) }, placement, '');
    expect(truth).toMatchObject({ boxes: [], inside: 0 });
  });
});

it('crop: what is cut away is gone', () => {
  const placement = place({ width: 8, height: 4 }, { width: 4, height: 4 }, 'crop');
  const mask = maskOf(['11111111', '00000000', '00100100', '10000001']);
  const truth = truthAtInput(
    {
      boxes: [
        [0, 0, 2, 4],
        [1, 1, 3, 1],
      ],
      mask,
    },
    placement,
    '',
  );
  expect(grid(truth.mask, 4)).toEqual(['1111', '0000', '1001', '0000']);
  expect(truth.boxes).toEqual([[0, 1, 2, 1]]);
});

it('letterbox: the margins are no object', () => {
  const placement = place({ width: 8, height: 4 }, { width: 4, height: 4 }, 'letterbox');
  const truth = truthAtInput(
    { boxes: [[-5, -5, 100, 100]], mask: maskOf(new Array(4).fill('11111111')) },
    placement,
    '',
  );
  expect(grid(truth.mask, 4)).toEqual(['0000', '1111', '1111', '0000']);
  expect(truth.boxes).toEqual([[0, 1, 4, 2]]);
});

/** The way of a picture: nearest pixels of a mask are those that sharp takes. */
it('lies where the picture lies, for every fit', async () => {
  const [width, height] = [37, 23];
  const rows = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (x > 8 && x < 30 && y > 5 && y < 20 ? 1 : 0)).join(''),
  );
  const mask = maskOf(rows)!;
  for (const fit of ['squeeze', 'crop', 'letterbox'] as const) {
    const placement = place(mask, { width: 16, height: 16 }, fit);
    const { resized, window, target } = placement;
    const picture = await sharp(
      mask.data.map(value => value * 255),
      { raw: { width, height, channels: 1 } },
    )
      .resize(resized.width, resized.height, { fit: 'fill', kernel: 'linear' })
      .toColourspace('b-w')
      .raw()
      .toBuffer();
    const truth = truthAtInput({ boxes: [], mask }, placement, '');
    let differing = 0;
    for (let y = 0; y < target.height; y++)
      for (let x = 0; x < target.width; x++) {
        const shown = picture[(y + window.y) * resized.width + x + window.x]!;
        // Pixels at the object's border are neither.
        if (shown > 60 && shown < 195) continue;
        if ((truth.mask[(y + target.y) * 16 + x + target.x] === 1) !== shown > 128) differing++;
      }
    expect(differing, fit).toBe(0);
    expect(truth.inside).toBeGreaterThan(20);
  }
});

describe('given by the caller', () => {
  const size = { width: 2, height: 2 };
  const at = async (given: TruthInput, input: unknown = 'x.jpg') => {
    const found = await (await openTruth(given)).find(input);
    return found && { labels: found.labels, truth: await found.at(size) };
  };

  it('as an object or a function of the input', async () => {
    const given = { boxes: [[0, 0, 1, 1]], label: 5 };
    expect(await at(given)).toEqual({ labels: [5], truth: given });
    const seen: unknown[] = [];
    const ask = async (input: string) => {
      seen.push(input);
      return input === 'x.jpg' ? given : undefined;
    };
    expect(await at(ask)).toEqual({ labels: [5], truth: given });
    expect(await at(ask, { data: 1 })).toBeUndefined();
    expect(seen).toEqual(['x.jpg', { data: 1 }]);
    expect(await at(() => null)).toBeUndefined();
    expect(await at({ label: 'cat' })).toEqual({ labels: ['cat'], truth: undefined });
  });

  it('masks of numbers and booleans, in sharp’s form, black and white', async () => {
    const data = Uint8Array.of(1, 0, 255, 0);
    expect((await at({ mask: { data: [true, false, false, true], ...size } }))?.truth?.mask?.data).toEqual(
      Uint8Array.of(1, 0, 0, 1),
    );
    expect((await at({ mask: { data, info: size } }))?.truth?.mask?.data).toEqual(data);
    expect((await at({ mask: { data: Uint8Array.of(255, 0, 0, 0), ...size } }))?.truth?.mask?.data).toEqual(
      Uint8Array.of(1, 0, 0, 0),
    );
  });

  it.each([
    ['text', () => 'here' as never, '{ boxes, mask, label }'],
    ['boxes that are none', { boxes: 'all' } as never, '`boxes`'],
    ['a box of three', { boxes: [[1, 2, 3]] }, 'boxes[0]', 'four'],
    ['NaN', { boxes: [[1, 2, 3, Number.NaN]] }, 'finite'],
    ['a negative box', { boxes: [[1, 2, 3, -1]] }, 'negative'],
    ['a short mask', { mask: { data: [1], width: 2, height: 2 } }, '1 for 2x2'],
    ['a mask with NaN', { mask: { data: [1, Number.NaN, 0, 0], width: 2, height: 2 } }, 'NaN'],
    ['a label that is none', { label: -1 }, '-1'],
  ] as [string, TruthInput, ...string[]][])('is refused: %s', async (_, given, ...says) => {
    await expectError(() => at(given), 'ERR_TRUTH_INVALID', ...says);
  });

  it('refuses unknown names and what is no truth at all', async () => {
    await expectError(() => at({ box: [1, 2, 3, 4] } as never), 'ERR_OPTION_INVALID', 'box');
    await expectError(() => openTruth(5 as never), 'ERR_OPTION_INVALID', '5');
  });
});

it('truth of a picture that EXIF turns is that of the upright picture', async () => {
  const folder = folderWith({});
  const path = `${folder}/turned.jpg`;
  await sharp(new Uint8Array(8 * 4 * 3).fill(200), { raw: { width: 8, height: 4, channels: 3 } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toFile(path);
  const { openPicture } = await import('../../lib/image/decode.ts');
  const { width, height } = await openPicture(path);
  const placement = place({ width, height }, { width: 4, height: 4 }, 'squeeze');
  const upright = truthAtInput({ boxes: [[0, 0, 4, 2]] }, placement, '');
  expect(upright.boxes).toEqual([[0, 0, 4, 1]]);
});

it('is that of the class that is explained, by its name, a synonym or its index', async () => {
  const labels = new Labels(['tench, Tinca tinca', 'crane', 'crane', '7']);
  expect(['TENCH', 'tinca tinca', 0, '0', '7', 'crane', 'dog'].map(label => classOf(label, labels))).toEqual([
    0,
    0,
    0,
    0,
    3,
    undefined,
    undefined,
  ]);
  expect(classOf('5', undefined)).toBe(5);
  const folder = folderWith({ 'boxes.csv': 'a.jpg,tench,0,0,1,1\na.jpg,dog,1,1,3,3\n' });
  const found = await (await openTruth(`${folder}/boxes.csv`)).find('a.jpg');
  const size = { width: 4, height: 4 };
  const of = (index: number) => found!.at(size, label => classOf(label, labels) === index);
  expect((await of(0))?.boxes).toEqual([[0, 0, 1, 1]]);
  expect(await of(1)).toBeUndefined();
  expect((await found!.at(size))?.boxes).toEqual([[1, 1, 3, 3]]);
});
