/** Every program in examples/ does what it says. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { runExample, scratchFolder } from './helpers/run-example.ts';

const picture = (name: string) => resolve('assets/pictures', name);
const programs = readdirSync('examples').filter(name => name.endsWith('.js'));

describe('examples', () => {
  it.each(programs.filter(name => name !== 'class-masks.js'))('%s has fewer than 40 lines', name => {
    expect(readFileSync(join('examples', name), 'utf8').split('\n').length - 1).toBeLessThan(40);
  });

  it('are all in their README', () => {
    const listed = [...readFileSync('examples/README.md', 'utf8').matchAll(/^\| \[(\S+)\]\(\1\) \|/gm)];
    expect(listed.map(([, name]) => name).sort()).toEqual([...programs].sort());
  });
});

it('class-masks.js colours the classes of two pictures side by side where they are', async () => {
  const out = scratchFolder();
  const { code, stdout, stderr } = await runExample('class-masks.js', [out]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toMatch(/Egyptian cat: \d+\.\d % of the picture\nespresso: \d+\.\d % of the picture\n/);
  const { data, info } = await sharp(join(out, 'class-masks.png')).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 600, height: 400, channels: 3 });
  const counts: Record<string, { left: number; right: number }> = {};
  for (let i = 0; i < info.width * info.height; i++) {
    const colour = [...data.subarray(3 * i, 3 * i + 3)].join();
    counts[colour] ??= { left: 0, right: 0 };
    counts[colour][i % info.width < 300 ? 'left' : 'right']++;
  }
  expect(Object.keys(counts).sort()).toEqual(['0,0,0', '0,128,0', '128,0,0']);
  const [cat, espresso] = [counts['128,0,0']!, counts['0,128,0']!];
  expect(cat.left / (cat.left + cat.right)).toBeGreaterThan(0.9);
  expect(espresso.right / (espresso.left + espresso.right)).toBeGreaterThan(0.9);
  const overlay = await sharp(join(out, 'class-masks.overlay.png')).metadata();
  expect([overlay.width, overlay.height]).toEqual([600, 400]);
});

describe('folder-to-csv.js', () => {
  it('writes a line for each picture, with a box inside it', async () => {
    const out = join(scratchFolder(), 'boxes.csv');
    expect(await runExample('folder-to-csv.js', [resolve('assets/pictures'), out])).toMatchObject({
      code: 0,
      stderr: '',
    });
    const rows: Record<string, string>[] = parse(readFileSync(out), { columns: true });
    expect(rows.map(({ label }) => label)).toEqual(['Egyptian cat', 'espresso', 'missile']);
    for (const { file, probability, x, y, width, height, error } of rows) {
      const size = await sharp(file).metadata();
      expect(Number(probability)).toBeGreaterThan(0.4);
      expect(Number(x) + Number(width)).toBeLessThanOrEqual(size.width);
      expect(Number(y) + Number(height)).toBeLessThanOrEqual(size.height);
      expect(Number(width) * Number(height)).toBeGreaterThan(0.05 * size.width * size.height);
      expect(error).toBe('');
    }
  });

  it('goes on behind a picture that is none, and says so at the end', async () => {
    const folder = join(scratchFolder(), 'one, two "three"');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.png'), 'no picture');
    copyFileSync(picture('cat.png'), join(folder, 'b.png'));
    const out = join(folder, 'boxes.csv');
    expect((await runExample('folder-to-csv.js', [folder, out])).code).toBe(1);
    const [failed, cat]: Record<string, string>[] = parse(readFileSync(out), { columns: true });
    expect(failed).toMatchObject({
      file: join(folder, 'a.png'),
      class: '',
      error: expect.stringContaining('ERR_IMAGE_INVALID: '),
    });
    expect(cat).toMatchObject({ file: join(folder, 'b.png'), label: 'Egyptian cat', error: '' });
  });
});

describe('timeout.js', () => {
  it('takes the cheap method when time is over', async () => {
    const { code, stdout } = await runExample('timeout.js', [50]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^rise: TimeoutError after \d+ ms\ngrad-cam: Egyptian cat, 1 runs of the network\n$/);
    const [, after] = /after (\d+) ms/.exec(stdout)!;
    expect(Number(after)).toBeLessThan(5000);
  });

  it('takes the costly one when there is time', async () => {
    const { stdout } = await runExample('timeout.js', [60_000, 'recipro-cam']);
    expect(stdout).toBe('recipro-cam: Egyptian cat, 1 runs of the network\n');
  });
});

describe('mask-and-crop.js', () => {
  it('cuts the cat out', async () => {
    const out = scratchFolder();
    const { code, stdout } = await runExample('mask-and-crop.js', [out]);
    expect(code).toBe(0);
    const [, width, height, x, y, area] = /^Egyptian cat: (\d+) x (\d+) at (\d+), (\d+); (\d+) pixels\n$/
      .exec(stdout)!
      .map(Number);
    const original = await sharp(picture('cat.png')).metadata();
    expect(x! + width!).toBeLessThanOrEqual(original.width);
    expect(y! + height!).toBeLessThanOrEqual(original.height);

    const mask = await sharp(join(out, 'mask.png')).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    expect(mask.info).toMatchObject({ width: original.width, height: original.height, channels: 1 });
    const inside = mask.data.reduce((count, value) => count + (value === 255 ? 1 : 0), 0);
    expect(inside).toBeGreaterThanOrEqual(area! - 1);

    const cutout = await sharp(join(out, 'cutout.png')).raw().toBuffer({ resolveWithObject: true });
    expect(cutout.info.channels).toBe(4);
    expect(Buffer.from(mask.data.map((_, i) => cutout.data[4 * i + 3]!)).equals(mask.data)).toBe(true);

    const crop = await sharp(join(out, 'crop.jpg')).metadata();
    expect(crop.width).toBeGreaterThanOrEqual(width!);
    expect(crop.width).toBeLessThanOrEqual(Math.ceil(1.2 * width!) + 1);
    expect(await sharp(join(out, 'overlay.jpg')).metadata()).toMatchObject({
      width: original.width,
      height: original.height,
    });
  });

  it('takes another class', async () => {
    const { stdout } = await runExample('mask-and-crop.js', [scratchFolder(), picture('cat.png'), 'tiger cat']);
    expect(stdout).toMatch(/^tiger cat: /);
  });
});
