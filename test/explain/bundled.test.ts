import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { contrast, negative, probability, topK } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, one } from '../helpers/explain-models.ts';

/** The model and pictures that come with the package, used as the README says. */
const assets = new URL('../../assets/', import.meta.url);
const pictures = new URL('pictures/', assets);
const CAT = new URL('cat.png', pictures);

let cam: Explainer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-bundled-'));
  cam = await load(new URL('efficientnet-lite0.onnx', assets));
});
afterAll(async () => {
  await cam.dispose();
  rmSync(folder, { recursive: true });
});

describe('the bundled model', () => {
  it('knows its pictures', async () => {
    const best = async (name: string) => (await cam.predict(new URL(name, pictures)))[0]!.label;
    expect(await best('cat.png')).toMatch(/tabby|tiger cat|Egyptian cat/);
    expect(await best('coffee.jpg')).toMatch(/espresso|cup|coffee/i);
    expect(await best('rocket.jpg')).toMatch(/missile|rocket|projectile/i);
  });

  it('explains the cat by its label, and writes the overlay whole', async () => {
    const { width, height } = await sharp(await (await import('node:fs/promises')).readFile(CAT)).metadata();
    const result = one(await cam.explain(CAT, { target: 'tabby' }));
    expect(result).toMatchObject({ status: 'ok', target: { label: 'tabby', kind: 'class' }, method: 'grad-cam' });
    expect(result.layer).toMatchObject({ shape: [1280, 7, 7] });
    expect([result.map.width, result.map.height]).toEqual([width, height]);
    await result.toFile(join(folder, 'overlay.png'));
    await result.toFile(join(folder, 'heat.jpg'), { kind: 'heatmap', colormap: 'viridis' });
    expect(readdirSync(folder).toSorted()).toEqual(['heat.jpg', 'overlay.png']);
    expect(await sharp(join(folder, 'overlay.png')).metadata()).toMatchObject({ width, height, format: 'png' });
    const below = join(folder, 'new', 'folder', 'small.webp');
    await result.toFile(below, { quality: 10 });
    await result.toFile(`${below}.any`, { format: 'webp', quality: 95 });
    expect((await readFile(below)).length).toBeLessThan((await result.toBuffer({ format: 'webp' })).length);
    expect((await readFile(`${below}.any`)).length).toBeGreaterThan((await readFile(below)).length);
    await expectError(
      () => result.toFile(join(folder, 'overlay.png', 'a.png')),
      'ERR_OUTPUT',
      'overlay.png is not a folder',
    );
    await expectError(() => result.toFile(join(folder, 'map.npy')), 'ERR_OPTION_INVALID', 'npy', 'png, jpeg, webp');
    await expectError(() => result.toFile(join(folder, 'a.png'), { quality: 80 }), 'ERR_OPTION_INVALID', 'quality');
    await expectError(() => result.toFile(join(folder, 'odd.xyz')), 'ERR_OPTION_INVALID', 'xyz');
    await expectError(() => result.overlay({ colormap: 'rainbows' as never }), 'ERR_OPTION_INVALID', 'rainbow');
    await expectError(() => result.overlay({ alpha: 2 }), 'ERR_OPTION_INVALID', 'alpha');
  });

  it('coincides with CAM at the last layer, where the head is linear', async () => {
    const [plain, linear, fine] = flat(await cam.explain(CAT, { methods: ['grad-cam', 'cam', 'hirescam'] }));
    // Grad-CAM's weights are CAM's divided by the number of positions.
    const scale = Math.max(...plain!.raw.data) / Math.max(...linear!.raw.data);
    expect(scale).toBeCloseTo(1 / 49, 4);
    plain!.raw.data.forEach((value, i) => {
      expect(value).toBeCloseTo(linear!.raw.data[i]! * scale, 4);
      expect(value).toBeCloseTo(fine!.raw.data[i]!, 4);
    });
  });

  it('explains several classes, contrasts and batches of pictures from few runs', async () => {
    const [first, second] = flat(await cam.explain(CAT, { target: topK(2) }));
    expect(first!.runs.network).toBe(1);
    const difference = one(
      await cam.explain(CAT, { target: contrast(first!.target.index, second!.target.index), params: { relu: false } }),
    );
    difference.raw.data.forEach((value, i) => {
      expect(value).toBeCloseTo(first!.raw.data[i]! - second!.raw.data[i]!, 4);
    });
    expect(difference.target.score).toBeCloseTo(first!.target.score - second!.target.score, 4);
    const names = readdirSync(pictures).map(name => new URL(name, pictures));
    const batch = flat(await cam.explain(names, { target: ['top1', negative('top1'), probability('top1')] }));
    for (const [i, name] of names.entries()) {
      const alone = one(
        await cam.explain(name, { target: i === 0 ? 'top1' : i === 1 ? negative('top1') : probability('top1') }),
      );
      expect(batch[i]!.target.index).toBe(alone.target.index);
      const worst = alone.map.data.reduce(
        (most, value, at) => Math.max(most, Math.abs(value - batch[i]!.map.data[at]!)),
        0,
      );
      expect(worst).toBeLessThan(1e-3);
    }
  });

  it('can be asked for a middle layer and the stages', async () => {
    const stages = one(await cam.explain(CAT, { method: 'layer-cam', layer: 'stages' }));
    const shapes = (stages.layer as readonly { shape: readonly number[] }[]).map(({ shape }) => shape[1]);
    expect(shapes).toEqual(shapes.toSorted((a, b) => b! - a!));
    expect(shapes.at(-1)).toBe(7);
    expect(stages.raw.width).toBe(shapes[0]);
    const middle = cam.layers().find(({ shape }) => shape[2] === 28)!;
    expect(one(await cam.explain(CAT, { layer: middle.name })).raw.dims).toEqual([28, 28]);
  });
});
