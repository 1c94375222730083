/** What `export` wrote, damaged: whoever loads and explains it gets an answer or an error with a code. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { load } from '../../lib/load.ts';
import { Explanation } from '../../lib/result/explanation.ts';
import { noiseImage, one, plainModel } from '../helpers/explain-models.ts';

const image = noiseImage([1, 3, 16, 16]);

async function explained(bytes: Uint8Array): Promise<Explanation> {
  const cam = await load(bytes);
  try {
    return one(await cam.explain(image));
  } finally {
    await cam.dispose();
  }
}

it('flipped bits and missing ends never end in anything else', { timeout: 60_000 }, async () => {
  const cam = await load(plainModel());
  const written = await cam.export({ map: 'input', method: 'recipro-cam' });
  await cam.dispose();
  const last = written.length - 1;
  const flips = fc.array(fc.record({ place: fc.nat(last), bits: fc.integer({ min: 1, max: 255 }) }), {
    minLength: 1,
    maxLength: 4,
  });
  const lengths = fc.oneof(
    { weight: 9, arbitrary: fc.constant(written.length) },
    { weight: 1, arbitrary: fc.nat(last) },
  );
  await fc.assert(
    fc.asyncProperty(flips, lengths, async (all, length) => {
      const damaged = written.slice(0, length);
      for (const { place, bits } of all) if (place < length) damaged[place]! ^= bits;
      const outcome = await explained(damaged).catch((error: unknown) => error);
      if (outcome instanceof Explanation) return;
      expect(outcome, (outcome as Error).stack).toBeInstanceOf(OnnxCamError);
      expect(['ERR_MODEL_INVALID', 'ERR_MODEL_UNSUPPORTED', 'ERR_RUNTIME']).toContain((outcome as OnnxCamError).code);
    }),
    { numRuns: 150 },
  );
});
