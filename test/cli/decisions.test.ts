import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../../lib/load.ts';
import type { MapBox } from '../../lib/result/boxes.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { readManifest, runHere, temporaryFolder } from './harness.ts';

const MODEL = fileURLToPath(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url));
const COFFEE = fileURLToPath(new URL('../../assets/pictures/coffee.jpg', import.meta.url));
const explain = (...argv: readonly string[]) => runHere(['explain', MODEL, COFFEE, ...argv], { library: { load } });

describe('--boxes', () => {
  let cam: Awaited<ReturnType<typeof load>>;
  beforeAll(async () => {
    cam = await load(MODEL);
  });
  afterAll(() => cam.dispose());

  it('are in JSON and manifest, in the picture’s pixels, and drawn on overlays alone', async () => {
    const out = temporaryFolder();
    const argv = ['--max-size', '300', '--save', 'overlay,heatmap,mask', '--threshold', 'max:0.5'];
    const { code, stdout } = await explain(...argv, '--boxes', '--json', '-o', join(out, 'with'));
    expect(code).toBe(0);
    await explain(...argv, '-o', join(out, 'without'));
    const line = JSON.parse(stdout);
    expect(readManifest(join(out, 'with')).results[0].boxes).toEqual(line.boxes);
    expect(readManifest(join(out, 'without')).results[0]).not.toHaveProperty('boxes');
    const whole = (await cam.explain(COFFEE)) as Explanation;
    const small = (await cam.explain(COFFEE, { mapSize: { max: 300 } })) as Explanation;
    const threshold = { ofMax: 0.5 } as const;
    expect(line.boxes).toEqual(await small.boxes({ threshold }));
    const [right] = (await whole.boxes({ threshold })) as [MapBox];
    for (const side of ['x', 'y', 'width', 'height'] as const)
      expect(Math.abs(line.boxes[0][side] - right[side])).toBeLessThanOrEqual(4);
    const pixels = (folder: string, kind: string) =>
      sharp(join(out, folder, `coffee.grad-cam.${kind}.png`))
        .raw()
        .toBuffer({ resolveWithObject: true });
    const drawn = await small.overlay({ boxes: line.boxes });
    const { data, info } = await pixels('with', 'overlay');
    expect([info.width, info.height]).toEqual([300, 200]);
    expect(data.equals(drawn.data)).toBe(true);
    expect(data.equals((await pixels('without', 'overlay')).data)).toBe(false);
    expect((await pixels('with', 'heatmap')).data.equals((await pixels('without', 'heatmap')).data)).toBe(true);
    const mask = await sharp(join(out, 'with/coffee.grad-cam.mask.png')).toColourspace('b-w').raw().toBuffer();
    expect(mask.equals((await small.mask({ threshold })).data)).toBe(true);
  });
});

describe('--save mask', () => {
  it('writes a PNG of one channel, whatever the format of the others', async () => {
    const out = temporaryFolder();
    expect((await explain('--save', 'mask,overlay', '--format', 'jpeg', '-o', out)).code).toBe(0);
    expect(readdirSync(out).sort()).toEqual([
      'coffee.grad-cam.mask.png',
      'coffee.grad-cam.overlay.jpg',
      'manifest.jsonl',
    ]);
    expect(readManifest(out).results[0].files.mask).toBe('coffee.grad-cam.mask.png');
    const mask = sharp(join(out, 'coffee.grad-cam.mask.png'));
    expect(await mask.metadata()).toMatchObject({ format: 'png', width: 600, height: 400, channels: 1 });
    const data = await mask.raw().toBuffer();
    expect([...new Set(data)].sort()).toEqual([0, 255]);
  });

  it.each(['0.3', 'q:0.9', 'otsu', 'sd:1'])('takes the threshold %s', async threshold => {
    const out = temporaryFolder();
    expect((await explain('--save', 'mask', '--threshold', threshold, '-o', out)).code).toBe(0);
    expect(existsSync(join(out, 'coffee.grad-cam.mask.png'))).toBe(true);
  });
});

describe('--threshold', () => {
  it.each(['', 'half', 'max:', 'max:15', 'q:-1', 'sd', '30%'])('refuses %j and names the forms', async threshold => {
    const out = join(temporaryFolder(), 'out');
    const { code, stderr } = await explain('--boxes', '--threshold', threshold, '-o', out);
    expect(code).toBe(2);
    expect(stderr).toMatch(/ERR_USAGE.*0\.3, max:0\.15, q:0\.9, otsu or sd:1/);
    expect(existsSync(out)).toBe(false);
  });

  it('is refused where nothing reads it', async () => {
    const { code, stderr } = await explain('--threshold', 'otsu', '-o', join(temporaryFolder(), 'out'));
    expect([code, stderr]).toEqual([2, expect.stringContaining('--boxes or --save mask')]);
  });
});
