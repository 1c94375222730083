import { expect } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import type { TargetInput } from '../../lib/targets/target.ts';
import { expectClose } from './expect-close.ts';
import { flat, one } from './explain-models.ts';

interface Bounds {
  /** Relative change of a position's channels. */
  readonly step: number;
  /** The largest slope must be above this, so that the comparison means something. */
  readonly least: number;
  /** Absolute, besides 2e-3 of the largest slope. */
  readonly absolute: number;
}

/**
 * HiResCAM's raw map is Σ_k A·∂score/∂A: the score's derivative by a factor on all channels of one position. The layer 'a' is
 * the positive image [1, 3, 4, 4] itself.
 */
export async function expectDerivativeOfScore(
  cam: Explainer,
  image: { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] },
  target: TargetInput,
  { step, least, absolute }: Bounds = { step: 1 / 128, least: 1e-3, absolute: 1e-4 },
): Promise<void> {
  const { raw, layer } = one(await cam.explain(image, { method: 'hirescam', target, layer: 'a' }));
  expect(layer).toMatchObject({ shape: [3, 4, 4] });
  const changed = [step, -step].flatMap(change =>
    Array.from({ length: 16 }, (_, position) =>
      image.data.map((value, i) => (i % 16 === position ? value * (1 + change) : value)),
    ),
  );
  const data = Float32Array.from(changed.flatMap(values => [...values]));
  const tensor = { type: 'float32', data, dims: [32, 3, 4, 4] } as const;
  const results = await cam.explain(tensor, { method: 'activation-mean', target, layer: 'a', batchSize: 32 });
  const scores = flat(results).map(result => result.target.score);
  const slopes = raw.data.map((_, position) => (scores[position]! - scores[16 + position]!) / (2 * step));
  const largest = Math.max(...slopes.map(Math.abs));
  expect(largest).toBeGreaterThan(least);
  expectClose(raw.data, slopes, 2e-3 * largest + absolute);
}
