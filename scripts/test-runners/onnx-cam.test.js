// What a project's own tests do with onnx-cam, for the runners that scripts/try-test-runners.js starts; `test` and `expect` are theirs.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { computeMap, load, OnnxCamError } from 'onnx-cam';
import { colorize, normalize } from 'onnx-cam/kernels';
import { classIndex, contrast, similarity } from 'onnx-cam/targets';
import sharp from 'sharp';

const assets = join(dirname(createRequire(import.meta.url).resolve('onnx-cam/package.json')), 'assets');
const cat = join(assets, 'pictures/cat.png');

const loading = readFile(join(assets, 'efficientnet-lite0.onnx')).then(bytes => load(new Uint8Array(bytes)));
afterAll(async () => (await loading).dispose());

test('pictures in every form', async () => {
  const cam = await loading;
  const file = await readFile(cat);
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const forms = [cat, file, new Uint8Array(file), { data, info }, { data: new Uint8Array(data), info }];
  const scores = [];
  for (const form of forms) {
    const result = await cam.explain(form, { target: 281 });
    expect(result.status).toBe('ok');
    scores.push(result.target.score);
  }
  for (const score of scores) expect(score).toBeCloseTo(scores[0], 4);
});

test('tensors, targets, several methods', async () => {
  const cam = await loading;
  const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i / 50));
  const tensor = { type: 'float32', data, dims: [1, 3, 224, 224] };
  const methods = ['grad-cam', 'eigen-cam'];
  const results = await cam.explain(tensor, { methods, target: contrast(281, classIndex(282)) });
  expect(results.map(({ method }) => method)).toEqual(methods);
  expect(similarity(new Float32Array([1, 2])).kind).toBe('similarity');
});

test('overlays, files, boxes, measures', async () => {
  const cam = await loading;
  const result = await cam.explain(cat);
  const folder = await mkdtemp(join(tmpdir(), 'onnx-cam-runner-'));
  await result.toFile(join(folder, 'overlay.png'));
  expect((await stat(join(folder, 'overlay.png'))).size).toBeGreaterThan(1000);
  await rm(folder, { recursive: true });
  expect((await result.toBuffer({ boxes: true })).length).toBeGreaterThan(1000);
  expect((await result.boxes()).length).toBe(1);
  const { width, height } = result.map;
  const map = { data: Float32Array.from(result.map.data), width, height };
  const { complexity } = await cam.measure(cat, { map, metrics: ['complexity'] });
  expect(complexity.value).toBeGreaterThan(0);
});

test('kernels and computeMap', async () => {
  const activations = { data: Float32Array.from({ length: 32 }, (_, i) => i), dims: [2, 4, 4] };
  expect((await computeMap('grad-cam', { activations, gradients: activations })).status).toBe('ok');
  const { data } = await normalize({ data: activations.data, dims: [2, 4, 4] }, { kind: 'range' });
  expect(Math.max(...data)).toBeCloseTo(1, 5);
  const picture = await colorize({ data: new Float32Array(4), width: 2, height: 2 }, new Uint8Array(768));
  expect(Array.from(picture)).toEqual(Array(12).fill(0));
});

test('errors and signals', async () => {
  const cam = await loading;
  await expect(cam.explain('missing.png')).rejects.toMatchObject({ code: 'ERR_IMAGE_NOT_FOUND' });
  await expect(cam.explain('missing.png')).rejects.toBeInstanceOf(OnnxCamError);
  const controller = new AbortController();
  controller.abort();
  await expect(cam.explain(cat, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
});
