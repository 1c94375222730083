import { describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { listMethods } from '../../lib/methods/list.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { flat, noiseImage, plainModel } from '../helpers/explain-models.ts';

const image = (seed: number) => noiseImage([1, 3, 16, 16], seed);

/** Everything that a result says in numbers. */
const numbers = (explanation: Explanation) => [
  Array.from(explanation.map.data),
  Array.from(explanation.raw.data),
  explanation.target.score,
  explanation.predictions,
];

async function withModel(use: (cam: Explainer) => Promise<void>): Promise<void> {
  const cam = await load(plainModel());
  try {
    await use(cam);
  } finally {
    await cam.dispose();
  }
}

describe('outputs of a run', () => {
  it('are in no result that a later run could change', () =>
    withModel(async cam => {
      const names = listMethods().map(({ name }) => name);
      const methods = names.filter(name => !cam.unsupported(names).has(name));
      expect(methods).toContain('relevance-cam');
      const first = flat(await cam.explain(image(1), { methods, params: { n: 2 }, target: 1 }));
      const before = structuredClone(first.map(numbers));
      for (let seed = 2; seed < 5; seed++) await cam.explain(image(seed), { methods, params: { n: 2 }, target: 0 });
      expect(first.map(numbers)).toEqual(before);
    }));
});
