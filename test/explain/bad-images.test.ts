import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, one, plainModel } from '../helpers/explain-models.ts';

let cam: Explainer;
let folder: string;
let png: Buffer;
let jpeg: Buffer;
beforeAll(async () => {
  cam = await load(plainModel());
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-images-'));
  const noise = sharp({
    create: {
      width: 64,
      height: 48,
      channels: 3,
      background: 'white',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  });
  png = await noise.clone().png().toBuffer();
  jpeg = await noise.jpeg().toBuffer();
});
afterAll(async () => {
  await cam.dispose();
  rmSync(folder, { recursive: true });
});

const file = (name: string, content: string | Buffer) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

describe('bad pictures', () => {
  it('are refused by name with what is wrong', async () => {
    await expectError(() => cam.explain(join(folder, 'no.jpg')), 'ERR_IMAGE_NOT_FOUND', 'no.jpg');
    await expectError(() => cam.explain(folder), 'ERR_IMAGE_INVALID', 'folder');
    await expectError(() => cam.explain(file('empty.png', '')), 'ERR_IMAGE_INVALID', 'empty.png', 'empty');
    await expectError(() => cam.explain(file('text.png', 'no picture')), 'ERR_IMAGE_INVALID', 'text.png', 'JPEG');
    await expectError(
      () => cam.explain(file('cut.jpg', jpeg.subarray(0, jpeg.length / 2))),
      'ERR_IMAGE_INVALID',
      'cut.jpg',
    );
    await expectError(() => cam.explain(png.subarray(0, png.length / 2)), 'ERR_IMAGE_INVALID');
    const huge = '<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="20000"/>';
    await expectError(() => cam.explain(file('huge.svg', huge)), 'ERR_IMAGE_INVALID', 'huge.svg', 'limit');
  });

  it('of no kind are refused with the kinds that are taken', async () => {
    for (const source of [undefined, null, 42, {}, '', true, () => {}, [undefined]])
      await expectError(() => cam.explain(source as never), 'ERR_IMAGE_INVALID', 'path');
    await expectError(() => cam.explain(sharp(png) as never), 'ERR_IMAGE_INVALID', 'toBuffer');
    await expectError(() => cam.explain('https://example.org/cat.jpg'), 'ERR_IMAGE_INVALID', 'https:');
    await expectError(
      () => cam.explain({ data: new Uint8Array(11), info: { width: 2, height: 2, channels: 3 } }),
      'ERR_IMAGE_INVALID',
      '12',
      '11',
    );
  });

  it('among others fail the call that they are in, and no later one', async () => {
    await expectError(() => cam.explain([png, file('text2.png', 'no picture'), png]), 'ERR_IMAGE_INVALID', 'text2.png');
    expect(flat(await cam.explain([png, png]))).toHaveLength(2);
  });
});

describe('good pictures', () => {
  it('give the same map from a path, a URL, bytes and raw pixels', async () => {
    const path = file('good one.png', png);
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    const bytes = new Uint8Array(png);
    const sources = [
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      png,
      bytes,
      bytes.buffer as ArrayBuffer,
      { data, info },
    ];
    const [first, ...others] = flat(await cam.explain(sources, { target: 1 }));
    expect([first!.map.width, first!.map.height]).toEqual([64, 48]);
    for (const { map } of others) expect(map.data).toEqual(first!.map.data);
    expect(one(await cam.explain(path, { target: 1 })).map.data).toEqual(first!.map.data);
    expect(first!.preprocess).toMatchObject({ preset: 'imagenet', size: [16, 16], fit: 'squeeze' });
  });
});
