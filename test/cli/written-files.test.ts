import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readNpyTensor } from '../../lib/io/npy.ts';
import { load } from '../../lib/load.ts';
import { runHere, temporaryFolder } from './harness.ts';

const MODEL = resolve('assets/efficientnet-lite0.onnx');
const COFFEE = resolve('assets/pictures/coffee.jpg');

/** The files of one run of the command with the bundled model. */
async function run(...flags: string[]): Promise<{ out: string; files: string[] }> {
  const out = join(temporaryFolder(), 'out');
  const { code, stderr } = await runHere(['explain', MODEL, COFFEE, '-o', out, ...flags], { library: { load } });
  expect(stderr).not.toContain('ERR_');
  expect(code).toBe(0);
  return { out, files: readdirSync(out).sort() };
}

describe('what explain writes', () => {
  it('is at most as large as --max-size, maps and pictures alike', async () => {
    const { out, files } = await run('--max-size', '150', '--save', 'map,overlay,heatmap,raw');
    expect(files).toEqual([
      'coffee.grad-cam.heatmap.png',
      'coffee.grad-cam.map.npy',
      'coffee.grad-cam.overlay.png',
      'coffee.grad-cam.raw.npy',
      'manifest.jsonl',
    ]);
    for (const kind of ['heatmap', 'overlay'])
      expect(await sharp(join(out, `coffee.grad-cam.${kind}.png`)).metadata()).toMatchObject({
        width: 150,
        height: 100,
      });
    expect((await readNpyTensor(join(out, 'coffee.grad-cam.map.npy'))).dims).toEqual([100, 150]);
    expect((await readNpyTensor(join(out, 'coffee.grad-cam.raw.npy'))).dims).toEqual([7, 7]);
  });

  it.each([
    ['jpeg', 'jpg', 'jpeg'],
    ['webp', 'webp', 'webp'],
  ])('is of the format that --format %s names', async (name, extension, format) => {
    const { out, files } = await run('--format', name, '--save', 'overlay');
    expect(files).toEqual([`coffee.grad-cam.overlay.${extension}`, 'manifest.jsonl']);
    const overlay = await sharp(readFileSync(join(out, files[0]!))).metadata();
    expect(overlay).toMatchObject({ format, width: 600, height: 400 });
  });

  it("has the picture's size with --max-size none, and where that is smaller", async () => {
    for (const flags of [['--max-size', 'none'], ['--max-size', '1024'], []]) {
      const { out } = await run(...flags, '--save', 'overlay');
      const overlay = await sharp(join(out, 'coffee.grad-cam.overlay.png')).metadata();
      expect(overlay).toMatchObject({ width: 600, height: 400 });
    }
  });
});
