/** What an exported model gives, and what is refused. */
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { expectError } from '../helpers/expect-error.ts';
import { plainModel, plainSpec } from '../helpers/explain-models.ts';
import { compareWithExplain, nthOf, openExported } from '../helpers/exported-model.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const images = { type: 'float32', data: noise([3, 3, 16, 16], 4).data, dims: [3, 3, 16, 16] } as const;

describe('the map', () => {
  it('is [N,1,h,w] of the layer, or of the input, for any number of images', async () => {
    const cam = await open(plainModel());
    const layer = await openExported(cam);
    expect(layer.outputs).toEqual([
      { name: 'y', type: 'float32', dims: ['N', 5] },
      { name: 'saliency_map', type: 'float32', dims: ['N', 1, 4, 4] },
    ]);
    const input = await openExported(cam, { map: 'input' });
    expect(input.outputs.at(-1)).toEqual({ name: 'saliency_map', type: 'float32', dims: ['N', 1, 16, 16] });
    for (const count of [1, 3]) {
      const some = { type: 'float32', data: images.data.slice(0, count * 768), dims: [count, 3, 16, 16] } as const;
      for (const exported of [layer, input]) {
        const map = exported === layer ? 'layer' : 'input';
        const { difference } = await compareWithExplain(cam, { map }, { exported, images: some });
        expect(difference).toBeLessThan(1e-5);
      }
    }
  });

  it('as uint8 is the same, rounded', async () => {
    const cam = await open(plainModel());
    const float = await openExported(cam, { map: 'input' });
    const whole = await openExported(cam, { map: 'input', uint8: true });
    expect(whole.outputs.at(-1)!.type).toBe('uint8');
    const { saliency_map: values } = await float.run({ x: images });
    const { saliency_map: bytes } = await whole.run({ x: images });
    expect(bytes!.data).toBeInstanceOf(Uint8Array);
    expect(Array.from(bytes!.data as Uint8Array)).toEqual(
      Array.from(values!.data as Float32Array, value => Math.floor(value * 255 + 0.5)),
    );
  });

  it('is zero where no place stands out: each image by itself', async () => {
    const cam = await open(plainModel());
    for (const options of [{ uint8: true }, { map: 'input' }, { method: 'cam' }, { method: 'eigen-cam' }] as const) {
      const exported = await openExported(cam, options);
      const data = images.data.slice();
      data.fill(0, 768, 2 * 768);
      // Behind padding, zeros give zeros: the networks have no biases.
      const { saliency_map: map } = await exported.run({ x: { ...images, data } });
      expect(nthOf(map!, 0).some(value => value > 0)).toBe(true);
      expect(nthOf(map!, 1).every(value => value === 0)).toBe(true);
      expect(nthOf(map!, 2).some(value => value > 0)).toBe(true);
    }
  });

  it('of several layers is joined as the method joins them', async () => {
    const cam = await open(plainModel());
    for (const options of [
      { method: 'layer-cam', layer: 'stages' },
      { method: 'layer-cam', layer: ['r1', 'r2'], map: 'input' },
      { method: 'grad-cam', layer: ['r2', 'r1'] },
      { method: 'grad-cam', layer: ['r1', 'r2'], map: 'input' },
    ] as const) {
      const exported = await openExported(cam, options);
      const { difference } = await compareWithExplain(cam, options, { exported, images });
      // At the layers' size LayerCAM's source enlarges before it stretches; the export doesn't.
      if (options.method === 'layer-cam' && !('map' in options))
        expect(exported.outputs.at(-1)!.dims).toEqual(['N', 1, 8, 8]);
      else expect(difference).toBeLessThan(1e-5);
    }
  });

  it('heeds the parameters', async () => {
    const cam = await open(plainModel());
    for (const options of [
      { method: 'grad-cam', params: { relu: false } },
      { method: 'grad-cam', params: { eigenSmooth: true } },
      { method: 'hirescam', params: { eigenSmooth: true } },
      { method: 'fem', params: { k: 1 } },
      { method: 'recipro-cam', params: { gaussian: true, score: 'logit' } },
      { method: 'eigen-cam', params: { centre: true } },
    ] as const) {
      const exported = await openExported(cam, options);
      const { difference } = await compareWithExplain(cam, options, { exported, images });
      expect(difference).toBeLessThan(1e-5);
    }
    await expectError(
      () => cam.export({ method: 'recipro-cam', params: { eigenSmooth: true } }),
      'ERR_OPTION_INVALID',
      'has none of',
    );
    await expectError(() => cam.export({ method: 'fem', params: { m: 1 } }), 'ERR_OPTION_INVALID');
  });
});

describe('cam_class', () => {
  it('is a class for each image, −1 the best', async () => {
    const cam = await open(plainModel());
    const exported = await openExported(cam, { target: 'input' });
    expect(exported.inputs).toEqual([
      { name: 'x', type: 'float32', dims: ['N', 3, 16, 16] },
      { name: 'cam_class', type: 'int64', dims: ['N'] },
    ]);
    for (const [classes, targets] of [
      [
        [4n, -1n, 0n],
        [4, 'top1', 0],
      ],
      [
        [-1n, 1n, 1n],
        ['top1', 1, 1],
      ],
    ] as const) {
      const feeds = { cam_class: { type: 'int64', data: BigInt64Array.from(classes), dims: [3] } } as const;
      const { difference } = await compareWithExplain(cam, { target: 'input' }, { exported, images, targets, feeds });
      expect(difference).toBeLessThan(1e-5);
    }
  });

  it('that is no class is refused by the runtime, and never taken for another class', async () => {
    const cam = await open(plainModel());
    const exported = await openExported(cam, { target: 'input' });
    for (const wrong of [5n, -2n, -5n, 1000n])
      await expect(
        exported.run({ x: images, cam_class: { type: 'int64', data: BigInt64Array.of(0n, wrong, 0n), dims: [3] } }),
      ).rejects.toThrow(/out of|bounds|index/i);
  });
});

describe('what is refused', () => {
  it('methods that need other runs, with the list of those that work', async () => {
    const cam = await open(plainModel());
    for (const method of ['score-cam', 'rise', 'smooth-grad-cam++', 'opti-cam', 'fullgrad', 'random-cam'])
      await expectError(() => cam.export({ method }), 'ERR_METHOD_UNSUPPORTED', 'cam, grad-cam, grad-cam++');
    await expectError(() => cam.export({ method: 'nonsense' }), 'ERR_METHOD_UNKNOWN');
  });

  it('options that there are not', async () => {
    const cam = await open(plainModel());
    const wrong: readonly unknown[] = [
      { map: 'picture' },
      { uint8: 1 },
      { preprocess: 'imagenet' },
      { convention: 'torchcam' },
      { methods: ['grad-cam'] },
      { layer: {} },
      null,
    ];
    for (const options of wrong) await expectError(() => cam.export(options as object), 'ERR_OPTION_INVALID');
    await expectError(() => cam.export({ layer: 'nowhere' }), 'ERR_LAYER_NOT_FOUND');
  });

  it('models that have tensors of the names that are added', async () => {
    const spec = plainSpec();
    const named = (from: string, to: string) =>
      buildModel({
        ...spec,
        nodes: [...spec.nodes, makeNode('Identity', [from], [to])],
        outputs: [...spec.outputs, { name: to, dims: ['N', 5] }],
      });
    const cam = await open(named('y', 'saliency_map'), { output: 'y' });
    await expectError(() => cam.export(), 'ERR_MODEL_UNSUPPORTED', 'saliency_map');
    const other = await open(named('y', 'cam_class'), { output: 'y' });
    await expectError(() => other.export({ target: 'input' }), 'ERR_MODEL_UNSUPPORTED', 'cam_class');
    await expect(other.export()).resolves.toBeInstanceOf(Uint8Array);
  });

  it('calls that were given up, and explainers that are disposed of', async () => {
    const cam = await open(plainModel());
    await expectError(() => cam.export({ signal: AbortSignal.abort() }), 'ERR_ABORTED');
    await cam.dispose();
    await expectError(() => cam.export(), 'ERR_DISPOSED');
  });
});
