/** Aborts in every phase: the promise rejects soon, nothing goes on behind it, and the next call works. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { channelMaps } from '../../lib/kernels/features.ts';
import { randomMasks } from '../../lib/methods/rise.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { MaskRule } from '../../lib/scoring/mask-request.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { classTarget, type Scorer, ScoringModels } from '../helpers/scoring.ts';

const CHANNELS = 24;
/** A network that works for a while, so that there is time to abort: a few wide convolutions before and behind "r". */
const model = buildModel({
  nodes: [
    makeNode('Conv', ['x', 'w1'], ['c1'], { pads: [2, 2, 2, 2] }),
    makeNode('Relu', ['c1'], ['r1']),
    makeNode('Conv', ['r1', 'w2'], ['c2'], { pads: [2, 2, 2, 2] }),
    makeNode('Relu', ['c2'], ['r']),
    makeNode('Conv', ['r', 'w2'], ['c3'], { pads: [2, 2, 2, 2] }),
    makeNode('GlobalAveragePool', ['c3'], ['p']),
    makeNode('Flatten', ['p'], ['f'], { axis: 1 }),
    makeNode('Gemm', ['f', 'g'], ['y'], { transB: 1 }),
  ],
  inputs: [{ name: 'x', dims: ['N', 3, 48, 48] }],
  outputs: [{ name: 'y', dims: ['N', 3] }],
  initializers: {
    w1: noise([CHANNELS, 3, 5, 5], 1, 0.3),
    w2: noise([CHANNELS, CHANNELS, 5, 5], 2, 0.1),
    g: noise([3, CHANNELS], 3),
  },
});
const input = { data: noise([3 * 48 * 48], 4).data, dims: [1, 3, 48, 48] };
const rule: MaskRule = { interpolation: 'bilinear', normalize: 'after', epsilon: 0 };
const zeros = new Float32Array(input.data.length);
const order = Uint32Array.from({ length: 4000 }, (_, i) => (i * 7919) % (48 * 48));
const maps = { data: noise([4000 * 16], 5).data, dims: [4000, 4, 4] as const };

let models: ScoringModels;
beforeAll(async () => {
  models = await ScoringModels.open(model, 'r');
});
afterAll(() => models.dispose());

const phases: Record<string, (scorer: Scorer) => Promise<unknown>> = {
  masks: scorer => scorer.masks({ maps, rule, constant: 'score' }),
  noise: scorer =>
    scorer.masks({
      maps,
      rule,
      constant: 'score',
      noise: { target: 'mask', samples: 3, sigma: 1, seed: 0 },
    }),
  'grid masks': async scorer =>
    scorer.gridMasks(await randomMasks(scorer.size, { n: 4000, cells: 7, p: 0.5, seed: 0 })),
  pixels: scorer =>
    scorer.pixels(Array.from({ length: 4000 }, (_, i) => ({ from: input.data, to: zeros, order, begin: 0, end: i }))),
  tail: scorer =>
    scorer.tail({
      kind: 'channels',
      channels: Uint32Array.from({ length: 8000 }, (_, i) => i % CHANNELS),
      values: new Float32Array(8000),
    }),
};

describe.each(Object.keys(phases))('%s', phase => {
  it('is aborted while it runs', async () => {
    const controller = new AbortController();
    const done: number[] = [];
    const { scorer } = await models.image(input, [classTarget(0)], {
      signal: controller.signal,
      onProgress: progress => done.push(progress.done),
    });
    const started = performance.now();
    const running = phases[phase]!(scorer);
    setTimeout(() => controller.abort(new Error('enough')), 120);
    await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED', name: 'AbortError' });
    // All of it would take ten times as long at least.
    expect(performance.now() - started).toBeLessThan(2000);
    const reported = done.at(-1) ?? 0;
    expect(reported).toBeLessThan(4000);
    expect(scorer.runs).toEqual({ network: 0, tail: 0, saved: 0 });

    const fresh = await models.image(input, [classTarget(0)]);
    const { scores } = await fresh.scorer.masks({ maps: channelMaps(fresh.layer), rule, constant: 'score' });
    expect(scores.every(Number.isFinite)).toBe(true);
  });

  it('does not begin when the signal is raised already', async () => {
    const { scorer } = await models.image(input, [classTarget(0)], { signal: AbortSignal.abort() });
    await expect(phases[phase]!(scorer)).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});

it('reports progress up to the end', async () => {
  const seen: { done: number; total: number }[] = [];
  const { scorer } = await models.image(input, [classTarget(0)], { onProgress: progress => seen.push(progress) });
  const few = { data: maps.data.subarray(0, 120 * 16), dims: [120, 4, 4] as const };
  await scorer.masks({ maps: few, rule, constant: 'score' });
  expect(seen.at(-1)).toEqual({ done: 120, total: 120 });
  for (const [i, { done }] of seen.entries()) expect(done).toBeGreaterThan(seen[i - 1]?.done ?? 0);
});
