/** What `onProgress` and streams say of how far they are, and whose the last step was. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { type Progress, stream } from '../../lib/index.ts';
import { load } from '../../lib/load.ts';
import type { ExplainOptions } from '../../lib/options.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, plainModel } from '../helpers/explain-models.ts';

let cam: Explainer;
let folder: string;
beforeAll(async () => {
  cam = await load(plainModel());
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-progress-'));
  for (const name of ['a', 'b', 'c'])
    await sharp({ create: { width: 20, height: 16, channels: 3, background: 'orange' } }).toFile(
      join(folder, `${name}.png`),
    );
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await cam.dispose();
});

const images = [1, 2, 3].map(seed => noiseImage([1, 3, 16, 16], seed));

/** Every report of a call, which keep to one total and never go back. */
async function reportsOf(image: Parameters<Explainer['explain']>[0], options: ExplainOptions): Promise<Progress[]> {
  const seen: Progress[] = [];
  await cam.explain(image, { ...options, onProgress: progress => void seen.push(progress) });
  expect(new Set(seen.map(({ total }) => total)).size).toBe(1);
  const done = seen.map(one => one.done);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  expect(done.every(Number.isInteger)).toBe(true);
  expect(seen.at(-1)!.done).toBe(seen.at(-1)!.total);
  return seen;
}

describe('onProgress of explain', () => {
  it('names the images of an array', async () => {
    const paths = ['a', 'b', 'c'].map(name => join(folder, `${name}.png`));
    const seen = await reportsOf(paths, { method: 'fem', batchSize: 1 });
    expect(seen).toHaveLength(3);
    for (const { index, input, total, method } of seen) {
      expect(total).toBe(3);
      expect(input).toBe(paths[index!]);
      expect(method).toBeUndefined();
    }
    expect(new Set(seen.map(({ index }) => index))).toEqual(new Set([0, 1, 2]));
  });

  it('names the tensor that holds several images', async () => {
    const input = noiseImage([4, 3, 16, 16]);
    const seen = await reportsOf(input, { batchSize: 1 });
    expect(seen.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3]);
    for (const one of seen) expect(one.input).toBe(input);
  });

  it('names the method whose passes are counted, with one total for images, methods and layers', async () => {
    const methods = ['score-cam', 'grad-cam', 'ss-cam', 'rise', 'opti-cam'];
    const seen = await reportsOf(images, { methods, layer: ['r1', 'r2'], batchSize: 2 });
    const named = new Set(seen.map(({ method }) => method));
    for (const method of ['score-cam', 'ss-cam', 'rise', 'opti-cam']) expect(named).toContain(method);
    expect(named).not.toContain('grad-cam');
    expect(new Set(seen.map(({ index }) => index))).toEqual(new Set([0, 1, 2]));
    expect(seen[0]!.total).toBeGreaterThan(3);
  });

  it('keeps the passes of one method on one image', async () => {
    const seen = await reportsOf(images[0]!, { method: 'rise', params: { n: 40, cells: 2 } });
    expect(seen.at(-1)).toMatchObject({ done: 40, total: 40, index: 0, input: images[0], method: 'rise' });
  });

  it('counts images in one total where they name several outputs, and where nothing runs again', async () => {
    const seen = await reportsOf(images, { method: 'ablation-cam', layer: -1 });
    expect(seen.at(-1)!.index).toBeDefined();
  });

  it.each([
    [{ name: 'smooth-grad', params: { n: 6 } }, 6],
    [['augmentation', { name: 'smooth-grad', params: { n: 5 } }], 5],
  ] as const)('counts the inputs of the outermost technique of %j', async (technique, total) => {
    const seen = await reportsOf([images[0]!, images[1]!], { technique: technique as ExplainOptions['technique'] });
    expect(seen[0]!.total).toBe(2 * total);
    for (const one of seen.filter(({ technique }) => technique))
      expect(one).toMatchObject({ technique: 'smooth-grad', method: 'grad-cam' });
    expect(seen.some(({ technique }) => technique)).toBe(true);
  });
});

describe('a stream', () => {
  it.each(['folder', 'glob', 'array'])('of a %s tells how many there are', async kind => {
    const paths = ['a', 'b', 'c'].map(name => join(folder, `${name}.png`));
    const source = { folder, glob: join(folder, '*.png'), array: paths }[kind]!;
    const seen: Progress[] = [];
    const results = cam.stream(source, { method: 'fem', onProgress: progress => void seen.push(progress) });
    expect(results.total).toBe(kind === 'array' ? 3 : undefined);
    let taken = 0;
    for await (const { error } of results) {
      expect(error).toBeUndefined();
      expect(results.total).toBe(3);
      expect(seen).toHaveLength(++taken);
    }
    expect(seen).toEqual(paths.map((input, index) => ({ done: index + 1, total: 3, index, input })));
  });

  it('of an iterable counts what was read, and failed images as well', async () => {
    const seen: Progress[] = [];
    async function* source() {
      yield images[0]!;
      yield 'missing.jpg';
    }
    const results = stream([cam, cam], source(), { onProgress: progress => void seen.push(progress) });
    const errors: unknown[] = [];
    for await (const { error } of results) errors.push(error?.code);
    expect(errors).toEqual([undefined, 'ERR_IMAGE_NOT_FOUND']);
    expect(results.total).toBeUndefined();
    expect(seen.map(({ done, total, index, input }) => [done, total, index, input])).toEqual([
      [1, 1, 0, images[0]],
      [2, 2, 1, 'missing.jpg'],
    ]);
  });

  it('tells what is wrong with its options when it is read', async () => {
    await expectError(() => cam.stream([], null as never).next(), 'ERR_OPTION_INVALID');
    await expectError(() => cam.stream(7 as never).next(), 'ERR_OPTION_INVALID');
    await expectError(() => cam.stream([], { concurrency: 0 }).next(), 'ERR_OPTION_INVALID');
  });
});

it('an evaluation names its images', async () => {
  const seen: Progress[] = [];
  await using run = cam.evaluate([images[0]!, images[1]!], {
    methods: ['fem'],
    metrics: ['average-drop'],
    controls: false,
    onProgress: progress => void seen.push(progress),
  });
  await run.summary();
  expect(seen.map(({ done, total, index, input }) => [done, total, index, input])).toEqual([
    [1, 2, 0, images[0]],
    [2, 2, 1, images[1]],
  ]);
});
