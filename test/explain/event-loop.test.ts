/**
 * What a method computes of pixels runs off the event loop. Measured is the processor time that the main thread spends
 * between two turns, not the time that passes: a machine that is busy otherwise doesn't fail the test.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Explainer, load } from '../../lib/index.ts';
import { pseudoRandom } from '../autodiff/harness.ts';
import { vitModel } from '../helpers/transformer-models.ts';

const SCHEDSTAT = '/proc/thread-self/schedstat';
/** Milliseconds of this thread; undefined where the system doesn't tell. */
function threadTime(): number | undefined {
  try {
    return Number(readFileSync(SCHEDSTAT, 'latin1').split(' ')[0]) / 1e6 || undefined;
  } catch {
    return undefined;
  }
}

/** The most processor time between two turns of the loop while `task` runs; of several rounds the least. */
async function longestTurn(task: () => Promise<unknown>): Promise<number> {
  await task();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    let longest = 0;
    let last = threadTime()!;
    const timer = setInterval(() => {
      const now = threadTime()!;
      longest = Math.max(longest, now - last);
      last = now;
    }, 1);
    await task();
    await new Promise(resolve => setTimeout(resolve, 3));
    clearInterval(timer);
    least = Math.min(least, longest);
  }
  return least;
}

const EARLY = '/blocks/blocks.1/expand_act/Clip_output_0';
let cnn: Explainer;
let vit: Explainer;
beforeAll(async () => {
  cnn = await load(fileURLToPath(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url)));
  vit = await load(vitModel({ size: [112, 112], blocks: 2, heads: 4 }));
});
afterAll(() => Promise.all([cnn.dispose(), vit.dispose()]));

// [96, 112, 112] activations; attention of 785 tokens. In JavaScript each of these took 33 to 131 ms at a stretch.
it.skipIf(threadTime() === undefined).each([
  ['fullgrad', undefined],
  ['smooth-grad-cam++', EARLY],
] as const)('%s computes nothing long on the event loop', async (method, layer) => {
  const image = pseudoRandom([1, 3, 224, 224], 1);
  expect(await longestTurn(() => cnn.explain(image, { method, layer }))).toBeLessThan(15);
});

it.skipIf(threadTime() === undefined).each(['attention-rollout', 'gradient-rollout'])(
  '%s computes nothing long on the event loop',
  async method => {
    const image = pseudoRandom([1, 3, 112, 112], 1);
    expect(await longestTurn(() => vit.explain(image, { method, params: { discard: 0.9 } }))).toBeLessThan(15);
  },
);
