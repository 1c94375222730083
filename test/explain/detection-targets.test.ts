import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { ExplainResult } from '../../lib/explain/result-type.ts';
import { detection } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { flat } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const folder = new URL('../golden/detection/', import.meta.url);
const golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8')) as {
  readonly size: number;
  readonly inputs: readonly number[];
  readonly nets: { readonly yolov8: { readonly cases: readonly Found[] } };
};

interface Found {
  readonly classIndex: number;
  readonly box: readonly [number, number, number, number] | null;
  readonly iou: number;
}

it('an array of targets may name boxes of its own, and classes without', async () => {
  const { size, inputs, nets } = golden;
  const data = Float32Array.from(inputs.slice(0, 3 * size * size), value => value / 64);
  const image = { type: 'float32', data, dims: [1, 3, size, size] } as const;
  const cam = await open(new URL('yolov8.onnx', folder));
  const boxes = nets.yolov8.cases.map(({ box, ...asked }) => detection({ ...asked, ...(box && { box }) }));
  const target = [...boxes, 0, 'top1', 'top2'];
  for (const methods of [['hirescam', 'grad-cam'], ['d-rise']]) {
    const options = { methods, params: methods.includes('d-rise') ? { n: 4 } : {} };
    const results = (await cam.explain(image, { ...options, target })) as ExplainResult[][];
    for (const [t, one] of target.entries()) {
      const alone = flat(await cam.explain(image, { ...options, target: one }));
      const together = flat(results.map(byTarget => byTarget[t]!));
      expect(together).toHaveLength(alone.length);
      for (const [i, { raw, target, method }] of together.entries()) {
        expect(method).toBe(alone[i]!.method);
        expect({ ...target, score: 0 }).toEqual({ ...alone[i]!.target, score: 0 });
        expect(target.score).toBeCloseTo(alone[i]!.target.score, 4);
        expectClose(raw.data, alone[i]!.raw.data, 1e-5);
      }
    }
  }
});
