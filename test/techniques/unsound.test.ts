/** What is wrong with the image's own map is said of a technique's map as well, and no empty map is passed off as a finding. */
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { segmentation, topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { brightnessModel, flat, noiseImage, plainModel } from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { cheapTechniques, segmenter } from '../helpers/technique-networks.ts';

const open = explainerOpener();

const ALL = cheapTechniques({
  sess: { scales: 3, smooth: false },
  'multi-scale': { scales: [1, 0.5] },
  cameras: { sizes: [16, 24] },
});
const even = (value: number) =>
  ({ type: 'float32', data: new Float32Array(3 * 16 * 24).fill(value), dims: [1, 3, 16, 24] }) as const;

describe.each(ALL)('$name', ({ technique }) => {
  it.each([[technique], [[technique, 'augmentation']], [['augmentation', technique]]])(
    'says that values were not finite: %j',
    async option => {
      const cam = await open(plainModel({ size: ['H', 'W'] }));
      const image = noiseImage([1, 3, 16, 24]);
      image.data[5 * 24 + 5] = Number.NaN;
      const { status, map } = await cam.explain(image, { target: 1, technique: option });
      expect(status).toBe('not-finite');
      expect(map.data.every(value => value === 0)).toBe(true);
    },
  );

  it('has the reason of the image itself for a map of zeros', async () => {
    const cam = await open(brightnessModel());
    const plain = await cam.explain(even(0), { target: 0 });
    const { status, reason } = await cam.explain(even(0), { target: 0, technique });
    expect(reason).toContain('the layer is zero everywhere');
    expect([status, reason]).toEqual([plain.status, plain.reason]);
  });

  it('shows no finding in an even picture, or says that the picture itself has none', async () => {
    const cam = await open(brightnessModel());
    const { status, warnings } = await cam.explain(even(100), { target: 0, technique });
    if (status === 'ok') expect(warnings.join()).toContain('every value equals');
    else expect(status).toBe('constant');
  });
});

it('SESS weighs windows evenly for each target that none of them shows', async () => {
  // Logits so far apart that all probabilities but the first are 0.
  const weights = { wf: { ...noise([5, 8], 23), data: noise([5, 8], 23).data.map(value => 1e6 * value) } };
  const cam = await open(plainModel({ size: ['H', 'W'], weights }));
  const image = noiseImage([1, 3, 16, 24]);
  const technique = { name: 'sess', params: { scales: 3 } };
  const together = flat(await cam.explain(image, { target: topK(3), technique, method: 'layer-cam' }));
  expect(together.map(({ target }) => target.probability)).toEqual([1, 0, 0]);
  for (const one of together) {
    const alone = await cam.explain(image, { target: one.target.index!, technique, method: 'layer-cam' });
    expect([one.status, alone.status]).toEqual(['ok', 'ok']);
    expectClose(one.map.data, alone.map.data, 1e-6);
  }
});

describe('a region of one pixel', () => {
  it.each([
    [0, 0],
    [5, 3],
    [4, 6],
  ])('(%i, %i) is not lost where the output shrinks', async (x, y) => {
    const cam = await open(segmenter());
    const { raw, status } = await cam.explain(noiseImage([1, 3, 16, 24]), {
      method: 'layer-cam',
      target: segmentation({ classIndex: 1, region: { point: [x, y] } }),
      technique: { name: 'multi-scale', params: { scales: [0.5] } },
    });
    expect(status).toBe('ok');
    // The pixel of the half output that it lies in, of 4 × 4 of the input's.
    const best = raw.data.indexOf(Math.max(...raw.data));
    expect([Math.floor((best % 24) / 4), Math.floor(best / 24 / 4)]).toEqual([x >> 1, y >> 1]);
  });
});

describe('what would take too much', () => {
  it.each([
    ['cameras', { sizes: [64, 8192] }, [1, 12, 16, 24]],
    ['multi-scale', { scales: [16] }, [1, 12, 400, 400]],
    ['jitter-cam', { factor: 8 }, [1, 12, 800, 800]],
  ])('%s refuses inputs of gigabytes before it makes them', async (name, params, dims) => {
    const cam = await open(plainModel({ channels: 12, size: ['H', 'W'] }));
    const explain = () => cam.explain(noiseImage(dims), { target: 1, technique: { name, params } });
    await expectError(explain, 'ERR_OUT_OF_MEMORY', 'GiB');
  });

  it('Jitter-CAM refuses more crops than anyone waits for', async () => {
    const cam = await open(plainModel({ size: ['H', 'W'] }));
    const explain = (factor: number) =>
      cam.explain(noiseImage([1, 3, 112, 112]), {
        method: 'guided-backprop',
        target: 1,
        technique: { name: 'jitter-cam', params: { factor } },
      });
    await expectError(() => explain(2), 'ERR_OPTION_INVALID', 'a smaller `factor`');
    expect((await explain(1.02)).status).toBe('ok');
  });
});

it.each(['sess', 'cameras'])(
  '%s within another technique makes no passes for scores that this does not ask for',
  async name => {
    const cam = await open(plainModel({ size: ['H', 'W'] }));
    const image = noiseImage([1, 3, 16, 16]);
    const inner = ALL.find(one => one.name === name)!.technique;
    const alone = await cam.explain(image, { target: 1, technique: inner });
    const both = await cam.explain(image, { target: 1, technique: [inner, 'augmentation'] });
    expect(both.runs.network).toBe(6 * alone.runs.network);
  },
);

describe('a model that takes any size by its word, and one in fact', () => {
  const model = buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { strides: [4, 4] }),
      makeNode('Relu', ['c'], ['a']),
      makeNode('Flatten', ['a'], ['f']),
      makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 'H', 'W'] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w: noise([4, 3, 4, 4], 5, 0.5), wf: noise([5, 4 * 6 * 4], 6) },
  });
  it.each(['multi-scale', 'cameras', 'sess'])('is told apart by %s', async technique => {
    const cam = await open(model, { preprocess: { size: [16, 24] } });
    const image = noiseImage([1, 3, 24, 16]);
    await expectError(
      () => cam.explain(image, { target: 1, technique }),
      'ERR_INPUT_SHAPE',
      `${technique} feeds the model inputs of other sizes`,
      'take augmentation or smooth-grad',
    );
    expect((await cam.explain(image, { target: 1, technique: 'augmentation' })).status).toBe('ok');
  });
});
