import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/engine/tensor.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel, int64, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { residualModel, tensorFlowModel } from '../helpers/small-models.ts';

const open = explainerOpener();

const METHODS = ['grad-cam', 'layer-cam', 'grad-cam++', 'eigen-cam', 'random-cam', 'fem'];

/** The images of a tensor, each [1, …]. */
function images({ data, dims: [count, ...dims] }: Tensor<'float32'>): Tensor<'float32'>[] {
  const size = data.length / count!;
  return Array.from({ length: count! }, (_, n) => ({
    type: 'float32',
    data: data.slice(n * size, (n + 1) * size),
    dims: [1, ...dims],
  }));
}

/** A batch must give what its images give alone, and no map of it may be empty that isn't alone. */
async function expectSameAsAlone(cam: Explainer, batch: Tensor<'float32'>, target: number[], batchSize?: number) {
  const together = flat(await cam.explain(batch, { methods: METHODS, target, batchSize }));
  const alone: ReturnType<typeof flat> = [];
  for (const [n, image] of images(batch).entries())
    alone.push(...flat(await cam.explain(image, { methods: METHODS, target: target[n] })));
  expect(together).toHaveLength(alone.length);
  together.forEach((result, i) => {
    expectClose(result.map.data, alone[i]!.map.data, 1e-5);
    expect(result.target.index).toBe(alone[i]!.target.index);
    expect(result.target.score).toBeCloseTo(alone[i]!.target.score, 4);
    expect(result.status).toBe(alone[i]!.status);
    if (result.status === 'ok') expect(Math.max(...result.map.data)).toBeGreaterThan(0.5);
  });
  expect(together.filter(({ status }) => status === 'ok').length).toBeGreaterThan(together.length / 2);
}

describe('batches equal their images one by one', () => {
  const batch = noiseImage([5, 3, 16, 16], 3);
  const target = [0, 1, 2, 3, 4];

  it('in any batch size', async () => {
    const cam = await open(plainModel());
    await expectSameAsAlone(cam, batch, target);
    await expectSameAsAlone(cam, batch, target, 1);
    await expectSameAsAlone(cam, batch, target, 5);
  });

  it('on a model whose batch is declared as 1', async () => {
    await expectSameAsAlone(await open(plainModel({ batch: 1 })), batch, target);
    await expectSameAsAlone(await open(residualModel({ batch: 1, flattenTo: [1, 4] })), batch, target);
  });

  it('on a model with a fixed batch of 4', async () => {
    const fixed = await open(plainModel({ batch: 4 }));
    const dynamic = await open(plainModel());
    await expectSameAsAlone(fixed, batch, target);
    const [a, b] = [await fixed.explain(batch, { target }), await dynamic.explain(batch, { target })].map(flat);
    a!.forEach((result, n) => {
      expectClose(result.map.data, b![n]!.map.data, 1e-5);
    });
  });

  it('several targets of one image on a fixed batch', async () => {
    const [image] = images(batch);
    const expected = flat(
      await (await open(plainModel())).explain(image!, { target: topK(5), methods: ['grad-cam', 'layer-cam'] }),
    );
    for (const fixed of [1, 2, 4]) {
      const cam = await open(plainModel({ batch: fixed }));
      const results = flat(await cam.explain(image!, { target: topK(5), methods: ['grad-cam', 'layer-cam'] }));
      expect(results.map(({ target, method }) => [target.index, method])).toEqual(
        expected.map(({ target, method }) => [target.index, method]),
      );
      results.forEach((result, i) => {
        expectClose(result.map.data, expected[i]!.map.data, 1e-5);
      });
    }
  });

  it('on a model of batch 1 that cannot be made dynamic', async () => {
    // The batch is multiplied into the channels: a second image would be another channel.
    const spec = plainSpec({ batch: 1 });
    const stuck = {
      ...spec,
      nodes: [
        makeNode('Reshape', ['x', 'flat'], ['rows'], {}),
        makeNode('Transpose', ['rows'], ['turned'], { perm: [1, 0] }),
        makeNode('Transpose', ['turned'], ['back'], { perm: [1, 0] }),
        makeNode('Reshape', ['back', 'shape'], ['image'], {}),
        ...spec.nodes.map((node, i) => (i === 0 ? { ...node, inputs: ['image', 'w1'] } : node)),
      ],
      initializers: { ...spec.initializers, flat: int64(3, 256), shape: int64(1, 3, 16, 16) },
    };
    const cam = await open(buildModel(stuck));
    await expectSameAsAlone(cam, batch, target, 3);
    expect(flat(await cam.explain(images(batch)[0]!, { target: topK(3) }))).toHaveLength(3);
  });
});

describe('kinds of inputs', () => {
  it('NHWC as TensorFlow exports it equals its NCHW twin', async () => {
    const nhwc = await open(tensorFlowModel());
    const weights = { w1: noise([4, 3, 3, 3], 1, 0.5), wf: noise([4, 5], 3), bf: noise([5], 4) };
    const nchw = await open(
      buildModel({
        nodes: [
          makeNode('Conv', ['x', 'w1'], ['c1'], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
          makeNode('Relu', ['c1'], ['r1']),
          makeNode('GlobalAveragePool', ['r1'], ['p']),
          makeNode('Flatten', ['p'], ['f']),
          makeNode('Gemm', ['f', 'wf', 'bf'], ['y']),
        ],
        inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
        outputs: [{ name: 'y', dims: ['N', 5] }],
        initializers: weights,
      }),
    );
    const image = noiseImage([2, 3, 16, 16], 4);
    const turned = new Float32Array(image.data.length);
    for (let n = 0; n < 2; n++)
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < 256; i++) turned[(n * 256 + i) * 3 + c] = image.data[(n * 3 + c) * 256 + i]!;
    const options = { methods: METHODS, target: [1, 3] };
    const a = flat(await nhwc.explain({ type: 'float32', data: turned, dims: [2, 16, 16, 3] }, options));
    const b = flat(await nchw.explain(image, options));
    a.forEach((result, i) => {
      expectClose(result.map.data, b[i]!.map.data, 1e-5);
      expect(result.target.probability).toBeCloseTo(b[i]!.target.probability!, 5);
    });
    // The same picture through decoding.
    const pixels = {
      data: new Uint8Array(20 * 30 * 3).map((_, i) => (i * 37) % 251),
      info: { width: 30, height: 20, channels: 3 },
    };
    const [p, q] = [one(await nhwc.explain(pixels, { target: 2 })), one(await nchw.explain(pixels, { target: 2 }))];
    expectClose(p.map.data, q.map.data, 1e-5);
    expect([p.map.width, p.map.height]).toEqual([30, 20]);
  });

  it('float16 models take and give float32', async () => {
    const model = buildModel({
      nodes: [
        makeNode('Conv', ['x', 'w1'], ['c1'], { strides: [2, 2] }),
        makeNode('Relu', ['c1'], ['r1']),
        makeNode('GlobalAveragePool', ['r1'], ['p']),
        makeNode('Flatten', ['p'], ['f']),
        makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
      ].flatMap(node =>
        // Weights are stored as float32 and cast, which leaves half-precision activations and gradients.
        node.inputs
          .flatMap(input => (input.startsWith('w') ? [makeNode('Cast', [input], [`${input}/16`], { to: 10 })] : []))
          .concat({
            ...node,
            inputs: node.inputs.map(input => (input.startsWith('w') ? `${input}/16` : input)),
          }),
      ),
      inputs: [{ name: 'x', type: 'float16', dims: ['N', 3, 16, 16] }],
      outputs: [{ name: 'y', type: 'float16', dims: ['N', 5] }],
      initializers: { w1: noise([6, 3, 2, 2], 5, 0.5), wf: noise([5, 6], 6) },
    });
    const cam = await open(model);
    const twin = await open(
      buildModel({
        nodes: [
          makeNode('Conv', ['x', 'w1'], ['c1'], { strides: [2, 2] }),
          makeNode('Relu', ['c1'], ['r1']),
          makeNode('GlobalAveragePool', ['r1'], ['p']),
          makeNode('Flatten', ['p'], ['f']),
          makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
        ],
        inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
        outputs: [{ name: 'y', dims: ['N', 5] }],
        initializers: { w1: noise([6, 3, 2, 2], 5, 0.5), wf: noise([5, 6], 6) },
      }),
    );
    const image = noiseImage([2, 3, 16, 16], 7);
    const options = { methods: ['grad-cam', 'eigen-cam', 'layer-cam'], target: [1, 3] };
    const [half, full] = [flat(await cam.explain(image, options)), flat(await twin.explain(image, options))];
    half.forEach((result, i) => {
      expect(result.status).toBe('ok');
      expectClose(result.map.data, full[i]!.map.data, 2e-2);
      expect(result.target.score).toBeCloseTo(full[i]!.target.score, 2);
    });
  });

  it('models of one channel take grey tensors and pictures', async () => {
    const cam = await open(plainModel({ channels: 1 }), { preprocess: 'unit' });
    const tensor = one(await cam.explain(noiseImage([1, 1, 16, 16]), { target: 1 }));
    expect(tensor.map.data).toHaveLength(256);
    const pixels = {
      data: new Uint8Array(16 * 16 * 3).map((_, i) => (Math.floor(i / 3) * 3) % 256),
      info: { width: 16, height: 16, channels: 3 },
    };
    const grey = {
      type: 'float32' as const,
      data: Float32Array.from({ length: 256 }, (_, i) => ((i * 3) % 256) / 255),
      dims: [1, 1, 16, 16],
    };
    const [a, b] = [one(await cam.explain(pixels, { target: 1 })), one(await cam.explain(grey, { target: 1 }))];
    expectClose(a.raw.data, b.raw.data, 1e-4);
    expect((await b.overlay()).info).toMatchObject({ width: 16, height: 16, channels: 3 });
  });

  it('models of many channels take tensors and show the first channel', async () => {
    const cam = await open(plainModel({ channels: 6 }));
    const image = noiseImage([1, 6, 16, 16], 5);
    for (const method of ['grad-cam', 'score-cam', 'ablation-cam', 'rise', 'eigen-cam', 'fullgrad']) {
      const result = one(await cam.explain(image, { method, target: 1 }));
      expect(result.map.data).toHaveLength(256);
      expect(result.status).toBe('ok');
    }
    const shown = await one(await cam.explain(image, { target: 1 })).overlay({ alpha: 0 });
    const [min, max] = [Math.min(...image.data), Math.max(...image.data)];
    expectClose(
      Array.from(shown.data),
      Array.from({ length: 768 }, (_, i) => ((image.data[Math.floor(i / 3)]! - min) / (max - min)) * 255),
      0.51,
    );
    const pixels = { data: new Uint8Array(768), info: { width: 16, height: 16, channels: 3 } };
    await expectError(() => cam.explain(pixels), 'ERR_INPUT_SHAPE', /6/);
  });

  it('any size in turn, also not square', async () => {
    const cam = await open(plainModel({ size: ['H', 'W'] }));
    const sizes = [
      [16, 16],
      [32, 20],
      [9, 33],
      [16, 16],
      [64, 8],
    ] as const;
    for (const [height, width] of sizes) {
      const fixed = await load(plainModel({ size: [height, width] }));
      try {
        const image = noiseImage([1, 3, height, width], height);
        const [free, own] = [cam, fixed].map(each =>
          each.explain(image, { target: 2, methods: ['grad-cam', 'layer-cam', 'eigen-cam'] }),
        );
        const expected = flat(await own!);
        flat(await free!).forEach((result, i) => {
          expect([result.map.width, result.map.height]).toEqual([width, height]);
          expect(result.raw.dims).toEqual([Math.ceil(height / 4), Math.ceil(width / 4)]);
          expectClose(result.map.data, expected[i]!.map.data, 1e-5);
        });
      } finally {
        await fixed.dispose();
      }
    }
    // Tensors of several sizes in one call.
    const mixed = flat(
      await cam.explain([noiseImage([1, 3, 16, 16]), noiseImage([1, 3, 32, 20]), noiseImage([1, 3, 16, 16], 2)]),
    );
    expect(mixed.map(({ map }) => [map.height, map.width])).toEqual([
      [16, 16],
      [32, 20],
      [16, 16],
    ]);
  });

  it('several inputs: the others from `inputs`, for batches too', async () => {
    const spec = plainSpec();
    const model = buildModel({
      ...spec,
      nodes: [
        ...spec.nodes.slice(0, -1),
        makeNode('Gemm', ['f', 'wf', 'bf'], ['z'], { transB: 1 }),
        makeNode('Add', ['z', 'prior'], ['y']),
      ],
      inputs: [...spec.inputs, { name: 'prior', dims: ['N', 5] }],
    });
    const prior: Tensor<'float32'> = { type: 'float32', data: Float32Array.of(0, 0, 100, 0, 0), dims: [1, 5] };
    const cam = await open(model, { inputs: { prior } });
    const results = flat(await cam.explain(noiseImage([3, 3, 16, 16])));
    expect(results.map(({ target }) => target.index)).toEqual([2, 2, 2]);
    expect(results[0]!.target.score).toBeGreaterThan(90);
    const later = await open(model);
    const image = noiseImage([3, 3, 16, 16]);
    const lacking = [() => later.explain(image), () => later.predict(noiseImage([1, 3, 16, 16]))];
    for (const ask of lacking) await expectError(ask, 'ERR_MODEL_UNSUPPORTED', '"prior"', '`inputs`', '--inputs');
    const given = flat(await later.explain(image, { inputs: { prior } }));
    for (const [i, { raw }] of given.entries()) expectClose(raw.data, results[i]!.raw.data, 1e-6);
    // The call's win, score methods' runs included.
    const other = { ...prior, data: Float32Array.of(0, 0, 0, 100, 0) };
    const rise = { method: 'rise', params: { n: 3, cells: 2 } } as const;
    for (const one_ of flat(await cam.explain(image, { ...rise, inputs: { prior: other } }))) {
      expect(one_.target.index).toBe(3);
      expect(Math.max(...one_.raw.data)).toBeGreaterThan(0.5);
    }
    await expectError(() => load(model, { inputs: { priors: prior } }), 'ERR_OPTION_INVALID', 'priors', 'prior');
    await expectError(() => load(model, { inputs: { prior }, input: 'y' }), 'ERR_OPTION_INVALID', '"y"');
  });

  it('two images: one named, the other fixed', async () => {
    const model = buildModel({
      nodes: [makeNode('Sub', ['left', 'right'], ['x']), ...plainSpec().nodes],
      inputs: [
        { name: 'left', dims: ['N', 3, 16, 16] },
        { name: 'right', dims: ['N', 3, 16, 16] },
      ],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: plainSpec().initializers,
    });
    await expectError(() => load(model), 'ERR_MODEL_UNSUPPORTED', '"left"', '"right"', '`input`');
    const zero: Tensor<'float32'> = { type: 'float32', data: new Float32Array(768), dims: [1, 3, 16, 16] };
    const cam = await open(model, { input: 'left', inputs: { right: zero } });
    const image = noiseImage([1, 3, 16, 16]);
    const expected = one(await (await open(plainModel())).explain(image, { target: 1 }));
    expectClose(one(await cam.explain(image, { target: 1 })).map.data, expected.map.data, 1e-5);
  });

  it('refuses tensors that the model does not take', async () => {
    const cam = await open(plainModel());
    await expectError(() => cam.explain(noiseImage([1, 4, 16, 16])), 'ERR_INPUT_SHAPE', '[N,3,16,16]', '[1,4,16,16]');
    await expectError(() => cam.explain(noiseImage([1, 16, 16, 3])), 'ERR_INPUT_SHAPE');
    await expectError(() => cam.explain(noiseImage([2, 3, 16, 17])), 'ERR_INPUT_SHAPE');
    await expectError(
      () => cam.explain({ ...noiseImage([3, 16, 16]), dims: [3, 16, 15] }),
      'ERR_INPUT_SHAPE',
      '720',
      '768',
    );
    await expectError(
      () => cam.explain({ type: 'float64', data: new Float64Array(768), dims: [3, 16, 16] } as never),
      'ERR_INPUT_SHAPE',
      'float32',
    );
    await expectError(() => cam.predict(noiseImage([2, 3, 16, 16])), 'ERR_INPUT_SHAPE', 'one image');
  });
});
