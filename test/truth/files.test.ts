import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openTruth } from '../../lib/truth/open-truth.ts';
import { expectError } from '../helpers/expect-error.ts';
import { folderWith, text } from './helpers.ts';

const size = { width: 3, height: 2 };

async function png(values: readonly number[], options: { channels?: 1 | 3; palette?: boolean } = {}): Promise<Buffer> {
  const { channels = 1 } = options;
  return sharp(Uint8Array.from(values), { raw: { ...size, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png()
    .toBuffer();
}

const maskOf = async (content: Uint8Array) => {
  const folder = folderWith({ 'cat.png': content });
  const source = await openTruth(folder);
  const truth = await (await source.find('photos/cat.jpg'))!.at(size);
  return { mask: text(truth?.mask).replaceAll('255', 'x'), warnings: source.warnings() };
};

/** A PNG with a palette, as PASCAL VOC has them: sharp writes none of chosen numbers. */
async function paletted(numbers: readonly number[], palette: readonly number[]): Promise<Buffer> {
  const { crc32, deflateSync } = await import('node:zlib');
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    crc.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size.width, 0);
  head.writeUInt32BE(size.height, 4);
  head.set([8, 3], 8);
  const rows = Buffer.from([0, ...numbers.slice(0, 3), 0, ...numbers.slice(3)]);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette)),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('a folder of masks', () => {
  it('0 is background, 255 takes no part, others are objects', async () => {
    expect(await maskOf(await png([0, 1, 255, 7, 254, 0]))).toEqual({ mask: '01x110', warnings: [] });
  });

  it('black and white: white is the object, with a note', async () => {
    const { mask, warnings } = await maskOf(await png([0, 255, 255, 0, 0, 255]));
    expect(mask).toBe('011001');
    expect(warnings).toEqual([expect.stringContaining('255 is the object')]);
  });

  it('all background is all background', async () => {
    expect((await maskOf(await png([0, 0, 0, 0, 0, 0]))).mask).toBe('000000');
  });

  it('numbers of a palette’s colours count, not their brightness', async () => {
    const colours = [0, 0, 0, 128, 0, 0, 0, 128, 0];
    const palette = [...colours, ...new Array(252 * 3).fill(9).map((_, i) => (i * 7 + 31) % 253), 224, 224, 192];
    expect((await maskOf(await paletted([0, 1, 2, 255, 0, 1], palette))).mask).toBe('011x01');
  });

  it('greys in three channels and VOC’s colours are read, other colours refused', async () => {
    expect(
      (await maskOf(await png([0, 0, 0, 5, 5, 5, 255, 255, 255, 0, 0, 0, 1, 1, 1, 0, 0, 0], { channels: 3 }))).mask,
    ).toBe('01x010');
    const voc = [0, 0, 0, 128, 0, 0, 224, 224, 192, 0, 0, 0, 0, 128, 0, 0, 0, 0];
    expect((await maskOf(await png(voc, { channels: 3 }))).mask).toBe('01x010');
    const odd = [0, 0, 0, 12, 34, 56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    await expectError(async () => maskOf(await png(odd, { channels: 3 })), 'ERR_TRUTH_INVALID', '12,34,56', 'cat.png');
  });

  it('of 16 bits', async () => {
    const deep = await sharp(Uint16Array.of(0, 256, 65535, 3, 0, 255), { raw: { ...size, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect((await maskOf(deep)).mask).toBe('01x10x');
  });

  it('finds the mask with the picture’s folders, and refuses one for pictures of two folders', async () => {
    const [a, b] = [await png([1, 0, 0, 0, 0, 0]), await png([0, 0, 0, 0, 0, 1])];
    const source = await openTruth(folderWith({ 'x/1.png': a, 'y/1.png': b, '2.png': a }));
    const at = async (path: string) => text((await (await source.find(path))!.at(size))?.mask);
    expect(await at('photos/x/1.jpg')).toBe('100000');
    expect(await at('photos/y/1.jpg')).toBe('000001');
    await expectError(() => source.find('1.jpg'), 'ERR_TRUTH_INVALID', 'x/1.png', 'y/1.png');
    expect(await at('photos/x/2.jpg')).toBe('100000');
    expect(await at('photos/x/2.png')).toBe('100000');
    await expectError(() => source.find('photos/y/2.jpg'), 'ERR_TRUTH_INVALID', '2.png');
    expect(await source.find('3.jpg')).toBeUndefined();
    expect(source.unmatched()).toBe(0);
  });

  it('opens no link that leads out of it, and no damaged file', async () => {
    const outside = folderWith({ 'secret.png': await png([1, 1, 1, 1, 1, 1]) });
    const folder = folderWith({ 'bad.png': 'no picture', 'empty.png': '' });
    symlinkSync(join(outside, 'secret.png'), join(folder, 'cat.png'));
    const source = await openTruth(folder);
    for (const name of ['cat', 'bad', 'empty'])
      await expectError(async () => (await source.find(`${name}.jpg`))!.at(size), 'ERR_TRUTH_INVALID', `${name}.png`);
  });
});

const voc = (objects: string, more = '') =>
  `<?xml version="1.0"?>\n<annotation>\n<filename>../../etc/passwd</filename>\n<size><width>3</width><height>2</height></size>${more}\n${objects}\n</annotation>`;
const object = (name: string, box: string) => `<object><name>${name}</name><bndbox>${box}</bndbox></object>`;
const box = (x1: number | string, y1: number, x2: number, y2: number) =>
  `<xmin>${x1}</xmin><ymin>${y1}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax>`;

describe('a folder of VOC’s annotations', () => {
  const find = async (content: string) => (await openTruth(folderWith({ 'cat.xml': content }))).find('photos/cat.jpg');

  it('counts pixels from 1, and leaves out parts', async () => {
    const part = `<object><name>dog</name><part><name>head</name><bndbox>${box(1, 1, 1, 1)}</bndbox></part><bndbox>${box(2, 1, 3, 2)}</bndbox></object>`;
    const picture = (await find(voc(object('cat', box(1, 1, 1, 1)) + part)))!;
    expect(picture.labels).toEqual(['dog', 'cat']);
    expect(await picture.at(size)).toEqual({ label: 'dog', boxes: [[1, 0, 2, 2]] });
    expect(await picture.at(size, label => label === 'cat')).toEqual({ label: 'cat', boxes: [[0, 0, 1, 1]] });
    await expectError(() => picture.at({ width: 30, height: 20 }), 'ERR_TRUTH_INVALID', '3x2', '30x20');
  });

  it('keeps what XML escapes', async () => {
    expect((await find(voc(object('a &amp; b', box(1, 1, 1, 1)))))!.labels).toEqual(['a & b']);
  });

  const bomb = `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>`;
  it.each([
    ['no XML', 'cat', 'cat.xml:1'],
    ['another document', '<html></html>', '<annotation>'],
    ['cut off', voc('').slice(0, 80), 'cat.xml'],
    ['a box without a number', voc(object('cat', box('one', 1, 1, 1))), 'cat.xml:5', 'xmin'],
    ['an infinite box', voc(object('cat', box('1e999', 1, 1, 1))), 'xmin'],
    ['a box the wrong way round', voc(object('cat', box(3, 1, 1, 1))), 'cat.xml:5', 'negative'],
    ['no box', voc('<object><name>cat</name></object>'), 'xmin'],
    ['an entity bomb', `${bomb}${voc(object('&b;', box(1, 1, 1, 1))).slice(22)}`, 'cat.xml'],
    ['an unknown entity', voc(object('&xxe;', box(1, 1, 1, 1))), 'entity'],
  ])('is refused with the place: %s', async (_, content, ...says) => {
    await expectError(() => find(content), 'ERR_TRUTH_INVALID', ...says);
  });

  it('may be nested as deeply as it likes', async () => {
    const deep = '<a>'.repeat(100_000) + '</a>'.repeat(100_000);
    const picture = await find(voc(object('cat', box(1, 1, 1, 1)), deep));
    expect(picture?.labels).toEqual(['cat']);
  });
});

describe('a table', () => {
  const open = (content: string) => openTruth(join(folderWith({ 'boxes.csv': content }), 'boxes.csv'));

  it('has a line for each object, with or without names of columns', async () => {
    const lines = '"a, b.jpg",cat,1,0,1,2\n"a, b.jpg",cat,0,0,1,1\ndog.jpg,,0,0,1,1\nlabelled.jpg,cat,,,,\n';
    for (const content of [
      lines,
      `file,label,x,y,w,h\n${lines}`,
      `\uFEFFfile,label,x,y,w,h\r\n${lines.replaceAll('\n', '\r\n')}`,
    ]) {
      const truth = await open(content);
      expect(await (await truth.find('photos/a, b.jpg'))!.at(size)).toEqual({
        label: 'cat',
        boxes: [
          [1, 0, 1, 2],
          [0, 0, 1, 1],
        ],
      });
      expect(await (await truth.find('dog.jpg'))!.at(size)).toEqual({ label: undefined, boxes: [[0, 0, 1, 1]] });
      const labelled = (await truth.find('labelled.jpg'))!;
      expect(labelled.labels).toEqual(['cat']);
      expect(await labelled.at(size)).toBeUndefined();
    }
  });

  it('may have its columns in another order, and others between', async () => {
    const truth = await open('id,w,h,x,y,filename\n7,2,1,0,1,C:\\data\\cat.jpg\n');
    expect(await (await truth.find('cat.jpg'))!.at(size)).toEqual({ label: undefined, boxes: [[0, 1, 2, 1]] });
  });

  it.each([
    ['a box of texts', 'file,label,x,y,w,h\ncat.jpg,cat,1,2,x,4\n', 'boxes.csv:2'],
    ['half a box', 'cat.jpg,cat,1,2,,\n', 'boxes.csv:1'],
    ['NaN', 'cat.jpg,cat,NaN,2,1,1\n', 'boxes.csv:1'],
    ['infinite', 'cat.jpg,cat,1e999,2,1,1\n', 'boxes.csv:1'],
    ['a negative size', 'a.jpg,cat,1,2,1,1\ncat.jpg,cat,1,2,-1,1\n', 'boxes.csv:2', 'negative'],
    ['no file', ',cat,1,2,1,1\n', 'boxes.csv:1', 'file'],
    ['nothing but a file', 'cat.jpg,,,,,\n', 'boxes.csv:1', 'neither'],
    ['a quote left open', 'cat.jpg,"cat,1,2,1,1\n', 'boxes.csv'],
    ['lines of different lengths', 'a.jpg,cat,1,2,1,1\nb.jpg,cat\n', 'boxes.csv:2'],
    ['a line of megabytes', `a.jpg,${'x'.repeat(3e6)},1,2,1,1\n`, 'boxes.csv'],
  ])('is refused with the line: %s', async (_, content, ...says) => {
    await expectError(() => open(content), 'ERR_TRUTH_INVALID', ...says);
  });

  it('of 50,000 lines', async () => {
    const lines = Array.from({ length: 50_000 }, (_, i) => `${i}.jpg,cat,0,0,1,1`).join('\n');
    const truth = await open(lines);
    expect(truth.unmatched()).toBe(50_000);
    expect((await truth.find('49999.jpg'))?.labels).toEqual(['cat']);
  });
});

describe('other paths', () => {
  it('are refused with the known forms', async () => {
    const folder = folderWith({ 'truth.txt': '', 'none/notes.txt': '' });
    await expectError(() => openTruth(join(folder, 'truth.txt')), 'ERR_TRUTH_INVALID', 'COCO');
    await expectError(() => openTruth(join(folder, 'missing')), 'ERR_TRUTH_INVALID', 'cannot be read');
    await expectError(() => openTruth(join(folder, 'none')), 'ERR_TRUTH_INVALID', 'neither');
    writeFileSync(join(folder, 'none/a.png'), '');
    writeFileSync(join(folder, 'none/a.xml'), '');
    await expectError(() => openTruth(join(folder, 'none')), 'ERR_TRUTH_INVALID', '1 .png', '1 .xml');
    await expectError(() => openTruth('/dev/zero.json'), 'ERR_TRUTH_INVALID');
  });
});
