/** The views of sigmoid probabilities that native loops read, against those that TypeScript reads. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { nativeScoring } from '../../lib/scoring/native-scoring.ts';
import { ScoreRow } from '../../lib/targets/score.ts';
import type { ScoreView } from '../../lib/targets/target.ts';
import { buildModel } from '../helpers/model-builder.ts';

/** In the order of the native enumeration. */
const VIEWS: readonly ScoreView[] = ['logit', 'probability', 'logProbability', 'rest'];
const SIDES = [false, true];

let session: Session;
beforeAll(async () => {
  const model = buildModel({
    nodes: [makeNode('Flatten', ['x'], ['y'])],
    inputs: [{ name: 'x', dims: ['N', 1, 1, 1] }],
    outputs: [{ name: 'y', dims: ['N', 1] }],
  });
  session = await Session.create(model);
});
afterAll(() => session.dispose());

it('are the same from -1000 to 1000', async () => {
  const logits = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 2);
  const terms = VIEWS.flatMap((_, view) => SIDES.map(opposite => [{ view, index: 0, weight: 1, opposite }]));
  const { scores } = await nativeScoring().scoreVariants(
    { session: session.handle, input: 'x', output: 'y', itemDims: [1, 1, 1], batch: 0, fixed: [] },
    {
      kind: 'channels',
      activations: new Float32Array(1),
      dims: [1, 1, 1],
      channels: new Uint32Array(logits.length),
      values: logits,
    },
    { sigmoid: true, targets: terms },
    { begin: 0, end: logits.length, chunk: 64, parallel: 1 },
    new Int32Array(1),
  );
  for (const [i, logit] of logits.entries()) {
    const row = new ScoreRow(Float32Array.of(logit), 'sigmoid');
    const expected = VIEWS.flatMap(view => SIDES.map(opposite => row.view(view, 0, opposite)));
    for (const [t, value] of expected.entries()) {
      const difference = Math.abs(scores[i * terms.length + t]! - value);
      expect(difference, `${JSON.stringify(terms[t])} of ${logit}`).toBeLessThanOrEqual(
        1e-14 * Math.abs(value) + 1e-300,
      );
    }
  }
});
