import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { catFolder, fakeExplanation, fakeModel, runHere } from './harness.ts';

let folder: string;
let out: string;
let picture: string;

beforeEach(() => {
  ({ folder, out, picture } = catFolder());
});

const explain = (argv: readonly string[], options: Parameters<typeof runHere>[1] = {}) =>
  runHere(['explain', 'model.onnx', ...argv, '-o', out], options);
const sheetPath = () => join(out, 'contact-sheet.png');
const sizeOf = (path: string) => sharp(path).metadata();

describe('a contact sheet', () => {
  it('is written with all methods, told on standard error', async () => {
    const outcome = await explain([picture, '-m', 'all', '--save', 'map']);
    expect(outcome).toMatchObject({ code: 0, stdout: '' });
    expect(outcome.stderr).toContain(`contact sheet → ${sheetPath()}`);
    expect(readdirSync(out).filter(name => name.includes('overlay') || name.endsWith('.tmp'))).toEqual([]);
    expect((await sizeOf(sheetPath())).format).toBe('png');
  });

  it('is left out with --no-sheet, and without all methods', async () => {
    await explain([picture, '-m', 'all', '--no-sheet']);
    await explain([picture, '-m', 'grad-cam,layer-cam']);
    expect(existsSync(sheetPath())).toBe(false);
  });

  it('has the picture itself, then each method’s overlay, as the pixels of its rows', async () => {
    await explain([picture, '-m', 'grad-cam', '--sheet']);
    const { data, info } = await sharp(sheetPath()).raw().toBuffer({ resolveWithObject: true });
    // The fake picture is 2x1 pixels, black and white: a tile of 192x96.
    const colours = new Map<string, number>();
    for (let i = 0; i < data.length; i += 3) {
      const key = data.subarray(i, i + 3).join();
      colours.set(key, (colours.get(key) ?? 0) + 1);
    }
    const { data: overlay } = await fakeExplanation().overlay();
    expect(colours.get('0,0,0')).toBe(96 * 96);
    for (const at of [0, 3]) expect(colours.get([...overlay.subarray(at, at + 3)].join())).toBe(96 * 96);
    expect(info).toMatchObject({ channels: 3 });
  });

  it('shows a status other than ok as words on grey, not as a picture', async () => {
    const asked: string[] = [];
    const explainZero = async () => {
      const explanation = fakeExplanation({ status: 'zero', reason: 'all of it is 0' });
      const overlay = explanation.overlay.bind(explanation);
      Object.assign(explanation, {
        overlay: (options: { alpha?: number }) => {
          asked.push(`alpha ${options.alpha}`);
          return overlay(options);
        },
      });
      return [explanation];
    };
    await explain([picture, '--sheet', '--save', 'map'], {
      library: { load: async () => fakeModel({ explain: explainZero as never }) },
    });
    const { data } = await sharp(sheetPath()).raw().toBuffer({ resolveWithObject: true });
    let grey = 0;
    for (let i = 0; i < data.length; i += 3) if (data[i] === 228 && data[i + 1] === 228 && data[i + 2] === 228) grey++;
    expect(grey).toBeGreaterThan(5000);
    expect(asked).toContain('alpha 0');
  });

  it('has at most eight columns, and says so', async () => {
    const pictures = Array.from({ length: 5 }, (_, i) => join(folder, `p${i}.png`));
    for (const path of pictures) writeFileSync(path, '');
    const { stderr } = await explain([...pictures, '-m', 'grad-cam,hirescam', '-t', 'top2', '--sheet']);
    expect(stderr).toContain('(the first 8 of 10 columns: pictures and their targets)');
    const { width } = await sizeOf(sheetPath());
    await explain([...pictures.slice(0, 4), '-m', 'grad-cam,hirescam', '-t', 'top2', '--sheet']);
    expect((await sizeOf(sheetPath())).width).toBe(width);
  });

  it('has a column for an input that failed, and none is written where all failed', async () => {
    const fake = fakeModel();
    const load = async () =>
      fakeModel({
        explain: async (image, options) => {
          if (String(image).includes('bad')) throw new OnnxCamError('ERR_IMAGE_INVALID', 'no picture');
          return fake.explain(image, options);
        },
      });
    const bad = join(folder, 'bad.png');
    writeFileSync(bad, '');
    expect((await explain([bad, '--sheet'], { library: { load } })).code).toBe(1);
    expect(existsSync(sheetPath())).toBe(false);
    await explain([picture, '--sheet'], { library: { load } });
    const { width } = await sizeOf(sheetPath());
    expect((await explain([picture, bad, '--sheet'], { library: { load } })).code).toBe(1);
    expect((await sizeOf(sheetPath())).width).toBeGreaterThan(width! + 100);
  });

  it('holds what is there after an interruption', async () => {
    const controller = new AbortController();
    const fake = fakeModel();
    const load = async () =>
      fakeModel({
        concurrency: 1,
        explain: async (image, options) => {
          if (!String(image).includes('second')) return fake.explain(image, options);
          controller.abort();
          throw new OnnxCamError('ERR_ABORTED', 'the operation was aborted');
        },
      });
    const second = join(folder, 'second.png');
    writeFileSync(second, '');
    const { code } = await explain([picture, second, '--sheet'], { library: { load }, signal: controller.signal });
    expect(code).toBe(130);
    expect((await sizeOf(sheetPath())).format).toBe('png');
  });

  it('does not write over an input of its name', async () => {
    const own = join(folder, 'contact-sheet.png');
    writeFileSync(own, 'a picture of the user’s');
    const { stderr } = await runHere(['explain', 'model.onnx', own, '--sheet', '-o', folder]);
    expect(readFileSync(own, 'utf8')).toBe('a picture of the user’s');
    expect(stderr).toContain('contact-sheet-2.png');
  });

  it('is a failure where it cannot be written', async () => {
    const { code, stderr } = await explain([picture, '--sheet'], {
      library: {
        load: async () => {
          const { mkdirSync } = await import('node:fs');
          mkdirSync(sheetPath(), { recursive: true });
          return fakeModel();
        },
      },
    });
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_OUTPUT');
  });

  it('draws hostile, long and foreign names', async () => {
    const labels = [
      '<b>&amp;</i> "x"',
      '\u001b[31mred\u0000',
      'a'.repeat(100_000),
      'חתול',
      '\u200b',
      '埃及猫',
      '\ud800',
    ];
    for (const label of labels) {
      const target = { index: 1, label, score: 1, probability: 0.5, kind: 'class' };
      const explainIt = async () => [fakeExplanation({ target })];
      const { code, stderr } = await explain([picture, '--sheet', '--save', 'map'], {
        library: { load: async () => fakeModel({ explain: explainIt as never }) },
      });
      expect([code, stderr]).toEqual([0, expect.stringContaining('contact sheet →')]);
      expect((await sizeOf(sheetPath())).width).toBeLessThan(500);
    }
  });
});
