import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { precisionOf, withPrecision } from '../../lib/engine/precision.ts';
import { type LoadOptions, load } from '../../lib/index.ts';
import { correlation } from '../helpers/correlation.ts';

const path = (name: string) => fileURLToPath(new URL(`../../assets/${name}`, import.meta.url));

const METHODS = ['grad-cam', 'grad-cam++', 'layer-cam', 'hirescam', 'eigen-cam', 'ablation-cam', 'recipro-cam'];

async function explain(options: LoadOptions) {
  const cam = await load(path('efficientnet-lite0.onnx'), options);
  try {
    return await cam.explain(path('pictures/cat.png'), { methods: METHODS, target: 281 });
  } finally {
    await cam.dispose();
  }
}

describe('precision', () => {
  it("'fp16' gives maps like those of float32, from scores of half precision", async () => {
    const [full, half] = [await explain({}), await explain({ precision: 'fp16' })];
    for (const [i, { map, precision, status, target, warnings }] of half.entries()) {
      expect(precision).toBe('fp16');
      expect(full[i]!.precision).toBe('fp32');
      expect(status).toBe('ok');
      expect(warnings).toEqual([]);
      expect(target.score).not.toBe(full[i]!.target.score);
      expect(Math.abs(target.score - full[i]!.target.score)).toBeLessThan(0.1);
      expect([METHODS[i], correlation(map.data, full[i]!.map.data) > 0.99]).toEqual([METHODS[i], true]);
    }
  });

  it("'tf32' without CUDA is float32, and says so", async () => {
    const [result] = await explain({ precision: 'tf32' });
    expect(result!.precision).toBe('fp32');
    expect(result!.warnings).toEqual([
      "precision 'tf32' was asked for: TF32 is CUDA arithmetic, here float32 was used",
    ]);
  });

  it('tells CUDA which arithmetic to use, unless the user does', () => {
    const own = { name: 'cuda', options: { use_tf32: 1, prefer_nhwc: 1 } };
    expect(withPrecision(['cuda', 'cpu'], 'fp32')).toEqual([{ name: 'cuda', options: { use_tf32: false } }, 'cpu']);
    expect(withPrecision([own], 'fp32')).toEqual([own]);
    expect(withPrecision([{ name: 'CUDAExecutionProvider', deviceId: 1 }], 'tf32')).toEqual([
      { name: 'CUDAExecutionProvider', deviceId: 1, options: { use_tf32: true } },
    ]);
    expect(withPrecision(['cuda'], 'auto')).toEqual(['cuda']);
    expect(withPrecision(undefined, 'fp32')).toBeUndefined();
  });

  it('says what was used', () => {
    const providers = ['cuda', 'cpu'];
    const of = (accelerated: boolean, more: object = {}) =>
      precisionOf({ accelerated }, { providers, half: false, ...more });
    expect(of(true)).toBe('tf32');
    expect(of(false)).toBe('fp32');
    expect(of(true, { half: true })).toBe('fp16');
    expect(of(true, { providers: withPrecision(providers, 'fp32') })).toBe('fp32');
    expect(of(true, { providers: [{ name: 'cuda', options: { use_tf32: '0' } }] })).toBe('fp32');
    expect(of(true, { providers: ['coreml'] })).toBe('fp32');
  });
});
