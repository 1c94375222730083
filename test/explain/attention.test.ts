import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { listMethods } from '../../lib/methods/list.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one, plainModel } from '../helpers/explain-models.ts';
import { buildModel, int64, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { vitModel } from '../helpers/transformer-models.ts';

const image = noiseImage([1, 3, 12, 20], 3);
const ATTENTION = ['attention-rollout', 'gradient-rollout', 'attention-grad-cam', 'generic-attention', 'legrad'];

describe('methods for feature maps on tokens', () => {
  const open = explainerOpener();

  it('work on the patches of the automatic layer', async () => {
    const cam = await open(vitModel());
    const methods = listMethods().filter(
      ({ name, needs, family }) =>
        !needs.scores &&
        !needs.attention &&
        !needs.classifier &&
        !needs.guided &&
        needs.attributions !== 'relevance' &&
        name !== 'fullgrad' &&
        family !== 'baseline',
    );
    const results = flat(await cam.explain(image, { methods: methods.map(({ name }) => name), target: 1 }));
    for (const { method, raw, layer, status } of results) {
      expect(raw.dims, method).toEqual([3, 5]);
      expect(status, method).toBe('ok');
      expect(layer, method).toMatchObject({ name: '1/norm1', shape: [8, 3, 5] });
    }
    const scored = one(await cam.explain(image, { method: 'score-cam', target: 1 }));
    expect(scored.raw.dims).toEqual([3, 5]);
  });

  it('take a grid that the caller gives', async () => {
    const cam = await open(vitModel(), { tokens: { grid: [5, 3], prefix: 1 } });
    expect(one(await cam.explain(image)).raw.dims).toEqual([5, 3]);
    const other = await open(vitModel(), { tokens: { grid: [2, 7], prefix: 1 } });
    expect(one(await other.explain(image)).raw.dims).toEqual([2, 7]);
  });

  it('are not left out where nobody says so', async () => {
    for (const tokens of [{ grid: [4, 4], prefix: 1 }, { grid: [2, 7] }, { grid: [2, 2] }] as const) {
      const cam = await open(vitModel(), { tokens });
      await expectError(() => cam.explain(image), 'ERR_OPTION_INVALID', tokens.grid.join('×'), '16 tokens');
    }
  });
});

describe('methods that cut the network', () => {
  /** Tokens [class, four pixels] of width 2, pooled by their mean, bent, 3 classes. */
  const classToken = [0.4, -0.7];
  const project = [0.5, -0.2, 0.3, -0.4, 0.6, 0.1];
  const head = noise([2, 3], 8);
  const model = buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { kernel_shape: [1, 1] }),
      makeNode('Reshape', ['c', 'flat'], ['f']),
      makeNode('Transpose', ['f'], ['t'], { perm: [0, 2, 1] }),
      makeNode('Shape', ['x'], ['n'], { end: 1 }),
      makeNode('Concat', ['n', 'rest'], ['sizes'], { axis: 0 }),
      makeNode('Expand', ['class', 'sizes'], ['first']),
      makeNode('Concat', ['first', 't'], ['tokens'], { axis: 1 }),
      makeNode('ReduceMean', ['tokens'], ['m'], { axes: [1], keepdims: 0 }),
      makeNode('Tanh', ['m'], ['a']),
      makeNode('Gemm', ['a', 'wf'], ['y']),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 2, 2] }],
    outputs: [{ name: 'y', dims: ['N', 3] }],
    initializers: {
      w: { dims: [2, 3, 1, 1], data: project },
      class: { dims: [1, 1, 2], data: classToken },
      flat: int64(0, 2, 4),
      rest: int64(1, 2),
      wf: head,
    },
  });
  const picture = noiseImage([2, 3, 2, 2], 9);

  /** The logit when one pixel's token is left of the patches, for each pixel. */
  const expected = (n: number, category: number, kept: number) =>
    [0, 1, 2, 3].map(pixel =>
      [0, 1].reduce((sum, d) => {
        const own = [0, 1, 2].reduce((t, c) => t + project[d * 3 + c]! * picture.data[(n * 3 + c) * 4 + pixel]!, 0);
        return sum + Math.tanh((own + kept * classToken[d]!) / 5) * head.data[d * 3 + category]!;
      }, 0),
    );

  it('keep the class token of each image, or zero it', async () => {
    const cam = await load(model);
    try {
      for (const keepPrefix of [true, false]) {
        const results = flat(
          await cam.explain(picture, {
            method: 'recipro-cam',
            layer: 'tokens',
            target: [2, 0],
            params: { score: 'logit', keepPrefix },
          }),
        );
        expect(results[0]!.layer).toMatchObject({ name: 'tokens', shape: [2, 2, 2] });
        expect(results[0]!.runs).toMatchObject({ tail: 4 });
        expectClose(results[0]!.raw.data, expected(0, 2, Number(keepPrefix)), 1e-6);
        expectClose(results[1]!.raw.data, expected(1, 0, Number(keepPrefix)), 1e-6);
      }
    } finally {
      await cam.dispose();
    }
  });

  it('refuse blocks where there is none', async () => {
    const cam = await load(model);
    try {
      await expectError(
        () => cam.explain(picture, { method: 'vit-recipro-cam' }),
        'ERR_METHOD_UNSUPPORTED',
        'recipro-cam',
      );
      expect(cam.unsupported(['vit-recipro-cam']).get('vit-recipro-cam')?.code).toBe('ERR_METHOD_UNSUPPORTED');
    } finally {
      await cam.dispose();
    }
  });

  it('change stream and normalised tokens of a block together', async () => {
    const cam = await load(vitModel({ blocks: 3 }));
    try {
      const last = one(await cam.explain(image, { method: 'vit-recipro-cam', target: 1 }));
      expect([last.layer].flat().map(({ name }) => name)).toEqual(['1/out', '2/norm1']);
      expect(last.runs).toEqual({ network: 1, tail: 15, saved: 0 });
      const first = one(await cam.explain(image, { method: 'vit-recipro-cam', target: 1, layer: '1/norm1' }));
      expect([first.layer].flat().map(({ name }) => name)).toEqual(['0/out', '1/norm1']);
      const both = () => cam.explain(image, { method: 'vit-recipro-cam', layer: ['1/norm1', '2/norm1'], fuse: false });
      await expectError(both, 'ERR_METHOD_UNSUPPORTED', 'one layer');
    } finally {
      await cam.dispose();
    }
  });

  it('cut transformers at the residual stream', async () => {
    for (const options of [{}, { prefix: 5 }, { batch: 1 }]) {
      const cam = await load(vitModel(options));
      try {
        for (const method of ['recipro-cam', 'ablation-cam']) {
          const { layer, raw, status } = one(await cam.explain(image, { method, target: 1 }));
          expect(layer).toMatchObject({ name: '0/out', shape: [8, 3, 5] });
          expect([raw.width, raw.height, status]).toEqual([5, 3, 'ok']);
        }
      } finally {
        await cam.dispose();
      }
    }
  });
});

describe('attention methods', () => {
  let cam: Explainer;
  beforeAll(async () => {
    cam = await load(vitModel({ blocks: 3 }));
  });
  afterAll(() => cam.dispose());

  it('give maps of the patch grid from one run', async () => {
    const results = flat(await cam.explain(image, { methods: [...ATTENTION, 'grad-cam'], target: 2 }));
    for (const { method, raw, status, layer, runs } of results.slice(0, -1)) {
      expect(raw.dims, method).toEqual([3, 5]);
      expect(status, method).toBe('ok');
      expect(runs).toEqual({ network: 1, tail: 0, saved: 0 });
      const names = [layer].flat().map(({ name }) => name);
      expect(names).toEqual(
        method === 'attention-grad-cam' ? ['2/probabilities'] : [0, 1, 2].map(i => `${i}/probabilities`),
      );
      expect([layer].flat()[0]!.shape).toEqual([2, 16, 16]);
    }
  });

  it('give each image and each target of a batch what it gets alone', async () => {
    const images = noiseImage([2, 3, 12, 20], 3);
    const second = { ...images, data: images.data.slice(images.data.length / 2), dims: [1, 3, 12, 20] };
    for (const method of ATTENTION) {
      const [, both] = flat(await cam.explain(images, { method, target: [0, 3] }));
      const alone = one(await cam.explain(second, { method, target: 3 }));
      expectClose(both!.raw.data, alone.raw.data, 1e-5);
      for (const result of flat(await cam.explain(second, { method, target: topK(3) }))) {
        const own = one(await cam.explain(second, { method, target: result.target.index }));
        expectClose(result.raw.data, own.raw.data, 1e-5);
      }
    }
  });

  it('know the layers they are given, and where to start', async () => {
    const last = one(await cam.explain(image, { method: 'attention-rollout', layer: -1 }));
    expect(last.layer).toMatchObject({ name: '2/probabilities', reason: 'named by the caller' });
    const started = one(await cam.explain(image, { method: 'attention-rollout', params: { startLayer: 2 } }));
    expect(started.raw.data).toEqual(last.raw.data);
    const byNode = one(await cam.explain(image, { method: 'attention-rollout', layer: ['node 2/probabilities'] }));
    expect(byNode.raw.data).toEqual(last.raw.data);
    const kept = one(await cam.explain(image, { method: 'attention-rollout', layer: -1, params: { discard: 0.5 } }));
    expect(kept.raw.data.some((value, i) => value !== last.raw.data[i])).toBe(true);
    await expectError(
      () => cam.explain(image, { method: 'attention-rollout', layer: '2/probabilties' }),
      'ERR_LAYER_NOT_FOUND',
      '2/probabilities',
    );
  });

  it('agree however the exporter wrote scale and normalisation, and with a fixed batch', async () => {
    for (const options of [{ scale: 'before' }, { pieces: true }, { batch: 1 }] as const) {
      const other = await load(vitModel({ blocks: 3, ...options }));
      try {
        for (const method of ATTENTION) {
          const [expected] = flat(await cam.explain(image, { method, target: topK(2) }));
          const [found] = flat(await other.explain(image, { method, target: topK(2) }));
          expectClose(found!.raw.data, expected!.raw.data, 1e-5);
        }
      } finally {
        await other.dispose();
      }
    }
  });

  it('find the blocks of networks whose head reads the patches alone', async () => {
    const other = await load(vitModel({ pool: 'patches' }));
    try {
      for (const { status, raw } of flat(await other.explain(image, { methods: ATTENTION, target: 1 })))
        expect([status, ...raw.dims]).toEqual(['ok', 3, 5]);
    } finally {
      await other.dispose();
    }
  });

  it('average over rows where there is no class token', async () => {
    const other = await load(vitModel({ prefix: 0, pool: 'mean' }));
    try {
      const { raw } = one(await other.explain(image, { method: 'attention-rollout' }));
      expect(raw.dims).toEqual([3, 5]);
      // Rows of probabilities stay rows of probabilities.
      expect(raw.data.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    } finally {
      await other.dispose();
    }
  });

  it('name the fused operator that hides the probabilities', async () => {
    const fused = buildModel({
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c'], { kernel_shape: [4, 4], strides: [4, 4] }),
        makeNode('Reshape', ['c', 'flat'], ['f']),
        makeNode('Transpose', ['f'], ['t'], { perm: [0, 2, 1] }),
        // A mask that says where padding begins: 15 keys of every image.
        makeNode('ReduceMean', ['t'], ['m'], { axes: [1, 2], keepdims: 0 }),
        makeNode('Mul', ['m', 'zero'], ['nothing']),
        makeNode('Add', ['nothing', 'fifteen'], ['length']),
        makeNode('Cast', ['length'], ['lengths'], { to: 6 }),
        makeNode(
          'MultiHeadAttention',
          ['t', 't', 't', '', 'lengths'],
          ['a'],
          { num_heads: 2 },
          { name: 'mha', domain: 'com.microsoft' },
        ),
        makeNode('Add', ['a', 't'], ['r']),
        makeNode('ReduceMean', ['r'], ['p'], { axes: [1], keepdims: 0 }),
        makeNode('Gemm', ['p', 'wf'], ['y']),
      ],
      inputs: [{ name: 'x', dims: ['N', 3, 12, 20] }],
      outputs: [{ name: 'y', dims: ['N', 4] }],
      initializers: {
        w: noise([8, 3, 4, 4]),
        wf: noise([8, 4]),
        flat: int64(0, 8, 15),
        zero: { dims: [], data: Float32Array.of(0) },
        fifteen: { dims: [], data: Float32Array.of(15) },
      },
      opset: { '': 17, 'com.microsoft': 1 },
    });
    const other = await load(fused);
    try {
      for (const method of ATTENTION)
        await expectError(
          () => other.explain(image, { method }),
          'ERR_METHOD_UNSUPPORTED',
          'MultiHeadAttention',
          'mha',
        );
      expect(one(await other.explain(image, { method: 'eigen-cam' })).raw.dims).toEqual([3, 5]);
    } finally {
      await other.dispose();
    }
  });

  it('say why they cannot explain networks without attention', async () => {
    const plain = await load(plainModel());
    try {
      for (const method of ATTENTION) {
        await expectError(
          () => plain.explain(noiseImage([1, 3, 16, 16]), { method }),
          'ERR_METHOD_UNSUPPORTED',
          method,
          'attention',
        );
        expect(plain.unsupported([method]).get(method)?.code).toBe('ERR_METHOD_UNSUPPORTED');
      }
    } finally {
      await plain.dispose();
    }
  });
});
