import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledFile } from '../../lib/cli/package.ts';
import { type Explainer, load } from '../../lib/index.ts';

const MODEL = bundledFile('assets/efficientnet-lite0.onnx');
const CAT = bundledFile('assets/pictures/cat.png');

/** Its last value is the score with every pixel removed, which is kept for the network. */
const metrics = [{ metric: 'deletion', params: { steps: 2, baseline: 'black' } }];
const map = { data: Float32Array.from({ length: 49 }, (_, i) => i / 48), width: 7, height: 7 };
const tensor = {
  type: 'float32',
  data: Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i * 0.01)),
  dims: [1, 3, 224, 224],
} as const;

describe('scores of inputs that are removed whole', () => {
  let cam: Explainer;
  beforeAll(async () => void (cam = await load(MODEL)));
  afterAll(() => cam.dispose());

  const lastOf = async (explainer: Explainer, image: string | typeof tensor) => {
    const { deletion } = await explainer.measure(image, { map, metrics, target: 281 });
    return deletion!.curve!.y.at(-1)!;
  };

  it('are not taken from inputs whose black is another', async () => {
    // A tensor's black is 0, a picture's what its preprocessing makes of black.
    const [picture, values] = [await lastOf(cam, CAT), await lastOf(cam, tensor)];
    const fresh = await load(MODEL);
    expect(await lastOf(fresh, tensor)).toBeCloseTo(values, 6);
    await fresh.dispose();
    expect(values).not.toBeCloseTo(picture, 6);
    expect(await lastOf(cam, CAT)).toBe(picture);
  });
});
