/** Augmented Grad-CAM of the bundled network beside a restatement in PyTorch (test/golden/make_augmented_grad_cam.py). */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explainer, load } from '../../lib/index.ts';
import { expectClose } from '../helpers/expect-close.ts';

interface Picture {
  readonly target: number;
  readonly optimize: readonly number[];
  readonly mean: readonly number[];
  readonly max: readonly number[];
}
interface Golden {
  readonly count: number;
  readonly seed: number;
  readonly iterations: number;
  /** Every so many of the pixels. */
  readonly step: number;
  readonly pictures: readonly Picture[];
}
const folder = new URL('../golden/', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(new URL('techniques/augmented-grad-cam.json', folder), 'utf8'));
const pixels = readFileSync(new URL('metrics/bundled-pixels.bin', folder));
const SIDE = 224;

let cam: Explainer;
beforeAll(async () => {
  cam = await load(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url).pathname);
});
afterAll(() => cam.dispose());

function inputOf(index: number) {
  const area = SIDE * SIDE;
  const data = new Float32Array(3 * area);
  for (let p = 0; p < area; p++)
    for (let c = 0; c < 3; c++) data[c * area + p] = (pixels[3 * (area * index + p) + c]! - 127) / 128;
  return { type: 'float32', dims: [1, 3, SIDE, SIDE], data } as const;
}

describe('augmented-grad-cam of the bundled network', () => {
  const cases = golden.pictures.flatMap((picture, i) =>
    (['optimize', 'mean', 'max'] as const).map(fuse => ({ i, fuse, target: picture.target, expected: picture[fuse] })),
  );
  it.each(cases)('class $target, $fuse', async ({ i, fuse, target, expected }) => {
    const { count: n, iterations, seed, step } = golden;
    const technique = { name: 'augmented-grad-cam', params: { n, iterations, fuse } };
    const { raw } = await cam.explain(inputOf(i), { method: 'grad-cam', target, seed, technique });
    const sampled = raw.data.filter((_, p) => p % step === 0);
    const largest = Math.max(...expected);
    if (fuse !== 'optimize') return expectClose(sampled, expected, 1e-4 * largest);
    // The penalty on variation goes by signs, which equal neighbours owe to the last digit.
    const differences = sampled.map((value, p) => Math.abs(value - expected[p]!) / largest);
    expect(Math.max(...differences)).toBeLessThan(0.1);
    expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(5e-3);
  });
});
