/** The worked values of docs/techniques.md, on the networks M2 and MG of docs/methods.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explainer, type Explanation, load } from '../../lib/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { f0Model } from '../helpers/f0.ts';
import { M2_INPUT } from '../helpers/fixture-network.ts';

const X = { type: 'float32' as const, data: M2_INPUT, dims: [1, 1, 4, 4] };
const PGC = { method: 'grad-cam', target: 0, convention: 'pytorch-grad-cam' } as const;

let m2: Explainer;
let mg: Explainer;
beforeAll(async () => {
  [m2, mg] = await Promise.all([load(f0Model('m2')), load(f0Model('mg'))]);
});
afterAll(async () => {
  await m2.dispose();
  await mg.dispose();
});

describe('augmentation', () => {
  it('averages six finished maps, which are not stretched again', async () => {
    const result: Explanation = await m2.explain(X, { ...PGC, technique: 'aug-smooth' });
    expectClose(
      result.map.data,
      [
        ...[0.664831, 0.623623, 0.541208, 0.5, 0.623623, 0.596434, 0.542057, 0.514868],
        ...[0.541208, 0.542057, 0.543755, 0.544605, 0.5, 0.514868, 0.544605, 0.559473],
      ],
      1e-5,
    );
    expect(result.technique).toEqual({ name: 'augmentation', params: {} });
    expect(result.runs.network).toBe(6);
  });
});

describe('smooth-grad', () => {
  it('without noise is the method itself', async () => {
    const plain = await m2.explain(X, PGC);
    const smooth = await m2.explain(X, { ...PGC, technique: { name: 'smooth-grad', params: { n: 3, sigma: 0 } } });
    expectClose(smooth.map.data, plain.map.data, 1e-6);
    expectClose(smooth.raw.data, plain.raw.data, 1e-6);
    expect(smooth.runs.network).toBe(4);
  });
});
