import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { load } from '../../lib/load.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { segmentation } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel } from '../helpers/model-builder.ts';

/** Small files that once ended the process or cost gigabytes and minutes; the fuzzer finds others (scripts/fuzz-models.js). */

const folder = new URL('../golden/hostile/', import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const image = noiseImage([1, 3, 32, 32]);

const REFUSED: Readonly<Record<string, readonly [code: string, says: RegExp]>> = {
  'cnn_batch_2_62.onnx': ['ERR_MODEL_UNSUPPORTED', /4611686018427388000 images/],
  'quantised_batch_1000003.onnx': ['ERR_MODEL_UNSUPPORTED', /1000003 images.*1024/],
  'quantised_group_0.onnx': ['ERR_MODEL_UNSUPPORTED', /Infinity.*whole number/],
  'res_batch_2_40.onnx': ['ERR_MODEL_UNSUPPORTED', /1099511627776 images/],
  'seg_scales_from_picture.onnx': ['ERR_MODEL_INVALID', /Resize.*4 numbers.*\[\d+,3,32,32\]/],
  'vit_batch_65536.onnx': ['ERR_MODEL_UNSUPPORTED', /65536 images/],
};

describe('files of test/golden/hostile', () => {
  const names = readdirSync(folder).filter(name => name.endsWith('.onnx'));

  it('are all listed here', () => {
    expect(names.filter(name => !name.includes('_sound'))).toEqual(Object.keys(REFUSED));
  });

  it.each(Object.entries(REFUSED))('%s is refused at once', async (name, [code, says]) => {
    const used = process.cpuUsage();
    let error: unknown;
    try {
      await using cam = await load(read(name));
      await cam.explain(image);
    } catch (thrown) {
      error = thrown;
    }
    expect(error, (error as Error)?.stack).toBeInstanceOf(OnnxCamError);
    expect([(error as OnnxCamError).code, (error as Error).message]).toEqual([code, expect.stringMatching(says)]);
    const { user, system } = process.cpuUsage(used);
    expect((user + system) / 1e6).toBeLessThan(2);
  });

  it.each(names.filter(name => name.includes('_sound')))('%s, before the damage, is explained', async name => {
    await using cam = await load(read(name), { preprocess: { size: [32, 32] } });
    const { status } = await cam.explain(image, {
      target: name.startsWith('seg') ? segmentation({ classIndex: 0 }) : 'top1',
    });
    expect(['ok', 'zero']).toContain(status);
  });
});

describe('sizes of a damaged model', () => {
  it('a fixed batch is explained up to a bound', async () => {
    await using cam = await load(plainModel({ batch: 1024 }));
    expect((await cam.explain(noiseImage([1, 3, 16, 16]))).status).toBe('ok');
    await expectError(() => load(plainModel({ batch: 1025 })), 'ERR_MODEL_UNSUPPORTED', '1025 images', '1024');
  });

  it('an input that the file fixes has one, too', async () => {
    const fixed = (size: number) => load(plainModel({ size: [size, size], channels: 1 }));
    await expectError(() => fixed(8193), 'ERR_MODEL_UNSUPPORTED', '"x"', '67125249 elements', '67108864');
    await expectError(() => fixed(2 ** 32), 'ERR_MODEL_UNSUPPORTED', '"x"');
  });

  it('so has every tensor, before anything is run', async () => {
    const spec = plainSpec();
    const padded = (amount: number) =>
      buildModel({
        ...spec,
        nodes: [
          makeNode('Pad', ['x', 'pads'], ['wide']),
          ...spec.nodes.map((node, i) => (i === 0 ? { ...node, inputs: ['wide', 'w1'] } : node)),
        ],
        initializers: {
          ...spec.initializers,
          pads: { dims: [8], type: 'int64', data: [0, 0, amount, amount, 0, 0, amount, amount] },
        },
      });
    await using cam = await load(padded(8));
    expect(cam.layers().length).toBeGreaterThan(0);
    const used = process.memoryUsage.rss();
    for (const amount of [20_000, 2 ** 31, 2 ** 40])
      await expectError(() => load(padded(amount)), 'ERR_MODEL_UNSUPPORTED');
    expect(process.memoryUsage.rss() - used).toBeLessThan(3e8);
  });

  it('an axis that there is not stops no analysis', async () => {
    const spec = plainSpec();
    // The runtime looks at it in a run only.
    const joined = buildModel({
      ...spec,
      nodes: [
        makeNode('Concat', ['x'], ['j'], { axis: 2 ** 40 }),
        ...spec.nodes.map((node, i) => (i === 0 ? { ...node, inputs: ['j', 'w1'] } : node)),
      ],
    });
    await using cam = await load(joined);
    expect(cam.layers().map(({ name }) => name)).toContain('r2');
    await expectError(() => cam.explain(noiseImage([1, 3, 16, 16])), 'ERR_RUNTIME', 'axis 1099511627776');
  });
});
