/** The same network written out, with operators that join many, and saved by ONNX Runtime's optimisers (make_fused.py). */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../lib/result/explanation.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { one } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { uniform } from '../helpers/seeded-weights.ts';

const FOLDER = new URL('../golden/fused/', import.meta.url);
const image = { type: 'float32', data: uniform(5, 3 * 32 * 32, 2), dims: [1, 3, 32, 32] } as const;
const openModel = explainerOpener();
const open = (name: string) => openModel(gunzipSync(readFileSync(new URL(`${name}.onnx.gz`, FOLDER))));

/** Optimisers rename tensors. */
const placed = ({ layer }: Explanation) => [layer].flat().map(each => ({ ...each, name: '' }));

const GRADIENTS = ['grad-cam', 'hirescam', 'fullgrad', 'eigen-cam'];
const ATTENTION = ['attention-rollout', 'generic-attention', 'legrad', 'attention-grad-cam'];
const FORMS: Readonly<Record<string, readonly string[]>> = {
  vit: ['opset23', 'extended', 'opset23-extended', 'transformers'],
  rms: ['opset23', 'opset23-extended', 'transformers'],
  swin: ['opset23-extended'],
};

describe.each(Object.keys(FORMS))('%s', name => {
  const methods = name === 'swin' ? GRADIENTS : [...GRADIENTS, ...ATTENTION];

  it.each(FORMS[name]!)('%s: layer and maps of the form written out', async form => {
    const [plain, fused] = [await open(`${name}-plain`), await open(`${name}-${form}`)];
    for (const method of methods) {
      const expected = one(await plain.explain(image, { method, target: 3 }));
      const result = one(await fused.explain(image, { method, target: 3 }));
      expect(result.target.score).toBeCloseTo(expected.target.score!, 4);
      expect(placed(result)).toEqual(placed(expected));
      expect(result.warnings).toEqual(expected.warnings);
      const scale = Math.max(...Array.from(expected.raw.data, Math.abs));
      expect(scale).toBeGreaterThan(0);
      expectClose(result.raw.data, expected.raw.data, 2e-4 * scale);
    }
  });
});

it('a quantised network saved with channels last: layer and maps of the one before', async () => {
  const before = gunzipSync(readFileSync(new URL('../golden/quantised/qdq.onnx.gz', import.meta.url)));
  const [plain, fused] = [await openModel(before), await open('quantised-all')];
  const picture = { type: 'float32', data: uniform(5, 3 * 20 * 20, 2), dims: [1, 3, 20, 20] } as const;
  for (const method of ['grad-cam', 'hirescam', 'layer-cam']) {
    const expected = one(await plain.explain(picture, { method, target: 3 }));
    const result = one(await fused.explain(picture, { method, target: 3 }));
    expect(result.target.score).toBe(expected.target.score);
    expect(placed(result)).toEqual(placed(expected));
    expectClose(result.raw.data, expected.raw.data, 1e-5 * Math.max(...Array.from(expected.raw.data, Math.abs)));
  }
});
