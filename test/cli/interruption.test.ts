import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { onAbort } from '../../lib/common/abort-listeners.ts';
import { abortError, OnnxCamError } from '../../lib/common/errors.ts';
import type { LoadOptions } from '../../lib/options.ts';
import { catFolder, fakeModel, readManifest, runHere } from './harness.ts';

let folder: string;
let out: string;
let picture: string;

beforeEach(() => {
  ({ folder, out, picture } = catFolder());
});

const explain = (argv: readonly string[], options: Parameters<typeof runHere>[1] = {}) =>
  runHere(['explain', 'model.onnx', ...argv, '-o', out], options);

describe('an interruption', () => {
  it('keeps what was finished, writes the manifest, and exits with 130', async () => {
    const controller = new AbortController();
    const load = async () => {
      const fake = fakeModel();
      return fakeModel({
        explain: async (image, options) => {
          if (!String(image).includes('third')) return fake.explain(image, options);
          controller.abort();
          throw new OnnxCamError('ERR_ABORTED', 'the operation was aborted');
        },
      });
    };
    const others = ['second.png', 'third.png', 'fourth.png'].map(name => join(folder, name));
    for (const path of others) writeFileSync(path, '');
    const outcome = await explain([picture, ...others], { library: { load }, signal: controller.signal });
    expect(outcome.code).toBe(130);
    expect(outcome.stderr).toMatch(/onnx-cam: ERR_ABORTED: interrupted after [12] of 4 inputs/);
    expect(readdirSync(out)).toContain('cat.grad-cam.map.npy');
    const { results } = readManifest(out);
    expect(results[0].input).toBe(picture);
    expect(outcome.stderr).toContain(`after ${results.length} of`);
  });

  it('while the model is loaded does not wait for it', async () => {
    const controller = new AbortController();
    const load = (_: string, { signal }: LoadOptions) => {
      controller.abort();
      return new Promise<never>((_, reject) => onAbort(signal!, () => reject(abortError(signal))));
    };
    expect((await explain([picture], { library: { load }, signal: controller.signal })).code).toBe(130);
  });
});
