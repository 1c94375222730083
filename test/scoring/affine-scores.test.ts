import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FeatureMaps } from '../../lib/kernels/features.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { type F0Model, f0Model, loadF0 } from '../helpers/f0.ts';
import { classTarget, runMethod, ScoringModels } from '../helpers/scoring.ts';

const f0 = loadF0();
const input = { data: Float32Array.from(f0.input.data), dims: f0.input.dims };
const opened = {} as Record<'m2' | 'mg', ScoringModels>;
beforeAll(async () => {
  for (const name of ['m2', 'mg'] as const) opened[name] = await ScoringModels.open(f0Model(name), f0.layer);
});
afterAll(() => Promise.all(Object.values(opened).map(models => models.dispose())));

/** Gradients of these classes; lazy where the model pools. */
function slopes(model: F0Model, classes: readonly number[]): FeatureMaps {
  const rows = classes.map(index => f0.models[model].gradients[index]!.data);
  if (model === 'mg')
    return { data: Float32Array.from(rows.flatMap(row => [row[0]!, row[4]!])), dims: [classes.length, 2, 1, 1] };
  return { data: Float32Array.from(rows.flat()), dims: [classes.length, 2, 2, 2] };
}

it.each(['m2', 'mg'] as const)('%s: affine scores are those of the runs, for every kind of change', async model => {
  const targets = [1, 0].map(classTarget);
  const run = await opened[model].image(input, targets);
  const affine = await opened[model].image(input, targets, { linearTail: slopes(model, [1, 0]) });
  const requests = [
    { kind: 'channels', channels: Uint32Array.of(0, 1, 1), values: Float32Array.of(0, 2, -3) },
    { kind: 'sets', sets: Uint8Array.of(0, 0, 0, 1, 1, 0, 1, 1) },
    { kind: 'positions', gaussian: false },
    { kind: 'positions', gaussian: true },
    { kind: 'neighbourhoods' },
  ] as const;
  for (const request of requests) expectClose(await affine.scorer.tail(request), await run.scorer.tail(request), 1e-5);
  expect(affine.scorer.runs).toEqual({ network: 0, tail: 0, saved: 3 + 4 + 4 + 4 + 4 });
});

it('probabilities are not affine: they are run', async () => {
  const { scorer } = await opened.m2.image(input, [classTarget(0)], { linearTail: slopes('m2', [0]) });
  expectClose(
    await scorer.tail({ kind: 'positions', gaussian: false, view: 'probability' }),
    [0.384981, 0.761444, 0.405186, 0.587976],
    1e-5,
  );
  expect(scorer.runs.tail).toBe(4);
});

it('Ablation-CAM needs no run behind an affine tail', async () => {
  const image = await opened.m2.image(input, [classTarget(0)], { linearTail: slopes('m2', [0]) });
  const { weights } = await runMethod('ablation-cam', image);
  expectClose(weights, [0.632911, 0.341772], 1e-5);
  expect(image.scorer.runs).toEqual({ network: 0, tail: 0, saved: 2 });
});
