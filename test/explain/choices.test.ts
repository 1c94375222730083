import { describe, expect, it } from 'vitest';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { similarity } from '../../lib/targets/index.ts';
import { image, network } from '../helpers/choice-networks.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one } from '../helpers/explain-models.ts';
import { int64, noise, type ValueSpec } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const names = (result: { readonly layer: { name: string } | readonly { name: string }[] }) =>
  [result.layer].flat().map(({ name }) => name);

describe('which output', () => {
  const box = makeNode('Gemm', ['v', 'wb'], ['reg'], { transB: 1 });
  const weights = { wb: noise([4, 8], 5) };

  it.each([
    ['a Softmax', [box, makeNode('Softmax', ['z'], ['second'])], ['reg', 'second'], 'second'],
    ['its name', [box, makeNode('Identity', ['z'], ['cls_score'])], ['reg', 'cls_score'], 'cls_score'],
    ['features by name', [makeNode('Identity', ['z'], ['b'])], ['v', 'b'], 'b'],
    [
      'what is computed from it',
      [makeNode('Identity', ['v'], ['a0']), makeNode('Identity', ['z'], ['b0'])],
      ['v', 'z'],
      'z',
    ],
    [
      'landmarks and a Sigmoid',
      [makeNode('Sigmoid', ['z'], ['s']), makeNode('Sigmoid', ['v'], ['landmarks'])],
      ['landmarks', 's'],
      's',
    ],
  ])('is told by %s, and every result says so', async (_, nodes, outputs, chosen) => {
    const cam = await open(network(nodes, { outputs: outputs.map(name => ({ name })), weights }));
    const { warnings, predictions } = one(await cam.explain(image));
    expect(warnings.join()).toMatch(new RegExp(`"${chosen}" .* is explained.*\`output\`.*--output`));
    expect(predictions.length).toBe(5);
    const named = await open(network(nodes, { outputs: outputs.map(name => ({ name })), weights }), { output: chosen });
    expect(one(await named.explain(image))).toMatchObject({ warnings: [], predictions });
  });

  it('is the one with as many values as there are labels', async () => {
    const outputs = [{ name: 'reg' }, { name: 'z' }];
    const labels = ['a', 'b', 'c', 'd'];
    const cam = await open(network([box], { outputs, weights }), { labels });
    expect(one(await cam.explain(image)).target.label).toMatch(/^[a-d]$/);
    expect(one(await cam.explain(image)).warnings.join()).toMatch(/"reg" .*is explained, not "z"/);
  });

  it('probabilities, logits and the best class of one head are no choice', async () => {
    const nodes = [
      makeNode('Softmax', ['z'], ['probs']),
      makeNode('ArgMax', ['probs'], ['label'], { axis: 1, keepdims: 0 }),
    ];
    const outputs: ValueSpec[] = [{ name: 'label', type: 'int64' }, { name: 'z' }, { name: 'probs' }];
    const cam = await open(network(nodes, { outputs }));
    expect(one(await cam.explain(image)).warnings).toEqual([]);
  });

  it('features alone: the result says so, and similarity works', async () => {
    const cam = await open(
      network([makeNode('Identity', ['v'], ['image_embeds'])], { outputs: [{ name: 'image_embeds' }] }),
    );
    const { warnings, target } = one(await cam.explain(image));
    expect(warnings.join()).toMatch(/features.*similarity\(picture\)/);
    expect(target.probability).toBeNull();
    const compared = one(await cam.explain(image, { target: similarity(noiseImage([1, 3, 16, 16], 4)) }));
    expect(compared.warnings).toEqual([]);
  });

  it('looks through TopK, and names of the graph are labels', async () => {
    const best = makeNode('TopK', ['z', 'k'], ['values', 'indices'], { axis: 1 });
    for (const outputs of [[{ name: 'values' }], [{ name: 'indices', type: 'int64' as const }]]) {
      const cam = await open(network([best], { outputs, weights: { k: int64(2) } }));
      expect((await cam.predict(image)).length).toBe(5);
    }
    const encoder = makeNode(
      'LabelEncoder',
      ['best'],
      ['name'],
      { keys_int64s: [0, 1, 2, 3, 4, 5], values_strings: ['ant', 'bee', 'cat', 'dog', 'eel', 'fox'] },
      { domain: 'ai.onnx.ml' },
    );
    const nodes = [makeNode('ArgMax', ['z'], ['best'], { axis: 1, keepdims: 0 }), encoder];
    const outputs = [{ name: 'name', type: 'string' as const }];
    const cam = await open(network(nodes, { outputs, opset: { '': 17, 'ai.onnx.ml': 2 } }));
    const { target } = one(await cam.explain(image, { target: 'cat' }));
    expect(target).toMatchObject({ index: 2, label: 'cat' });
  });
});

describe('no detections', () => {
  it('in four probabilities beside the best class and its probability', async () => {
    const nodes = [
      makeNode('Gemm', ['v', 'wb'], ['y'], { transB: 1 }),
      makeNode('Softmax', ['y'], ['probabilities']),
      makeNode('TopK', ['probabilities', 'k'], ['value', 'index'], { axis: 1 }),
      makeNode('Squeeze', ['value', 'one'], ['score']),
      makeNode('Squeeze', ['index', 'one'], ['label']),
    ];
    const outputs: ValueSpec[] = [{ name: 'probabilities' }, { name: 'score' }, { name: 'label', type: 'int64' }];
    const weights = { wb: noise([4, 8], 5), k: int64(1), one: int64(1) };
    const cam = await open(network(nodes, { outputs, weights }));
    const { target, predictions } = one(await cam.explain(image));
    expect(target.box).toBeUndefined();
    expect(predictions.length).toBe(4);
  });

  it('in six classes behind a choice that depends on the picture', async () => {
    // The channels whose mean is positive: as many as the picture says.
    const nodes = [
      makeNode('ReduceMean', ['a'], ['m'], { axes: [0, 2, 3], keepdims: 0 }),
      makeNode('Greater', ['m', 'zero'], ['which']),
      makeNode('NonZero', ['which'], ['found']),
      makeNode('Squeeze', ['found', 'first'], ['index']),
      makeNode('Gather', ['a', 'index'], ['b'], { axis: 1 }),
      makeNode('ReduceMean', ['b'], ['q'], { axes: [1, 2, 3], keepdims: 0 }),
      makeNode('Unsqueeze', ['q', 'last'], ['u']),
      makeNode('Add', ['z', 'u'], ['y']),
    ];
    const weights = { zero: { dims: [], data: [-1] }, first: int64(0), last: int64(1) };
    const cam = await open(network(nodes, { outputs: [{ name: 'y' }], weights }));
    const [best] = await cam.predict(image);
    expect(best!.probability).toBeLessThan(1);
    expect((await cam.predict(image, { topK: 9 })).length).toBe(6);
  });
});

it('queries that TopK chose inside, as RT-DETR, make no list of detections', async () => {
  // Rows of [a box around the query's place, scores of 2 classes by a layer of their own].
  const nodes = [
    makeNode('Reshape', ['a', 'flat'], ['f']),
    makeNode('Transpose', ['f'], ['rows'], { perm: [0, 2, 1] }),
    makeNode('ReduceMax', ['f'], ['best'], { axes: [1], keepdims: 0 }),
    makeNode('TopK', ['best', 'k'], ['top', 'index'], { axis: 1 }),
    makeNode('Unsqueeze', ['index', 'last'], ['iu']),
    makeNode('Expand', ['iu', 'wide'], ['ie']),
    makeNode('GatherElements', ['rows', 'ie'], ['queries'], { axis: 1 }),
    makeNode('Slice', ['queries', 'from', 'to', 'second'], ['places']),
    makeNode('MatMul', ['queries', 'wb'], ['delta']),
    makeNode('Add', ['delta', 'places'], ['moved']),
    makeNode('Sigmoid', ['moved'], ['boxes']),
    makeNode('MatMul', ['queries', 'wc'], ['zc']),
    makeNode('Sigmoid', ['zc'], ['scores']),
    makeNode('Concat', ['boxes', 'scores'], ['y'], { axis: 2 }),
  ];
  const weights = {
    ...{ flat: int64(0, 8, 64), k: int64(20), last: int64(2), wide: int64(1, 1, 8) },
    ...{ from: int64(0), to: int64(4), second: int64(2), wb: noise([8, 4], 4), wc: noise([8, 2], 5) },
  };
  const cam = await open(network(nodes, { outputs: [{ name: 'y' }], weights }), { labels: ['cat', 'dog'] });
  const predictions = await cam.predict(image, { topK: 9 });
  expect(predictions.map(({ label }) => label).sort()).toEqual(['cat', 'dog']);
  // A list of detections would have no gradient.
  expect(one(await cam.explain(image)).target.box).toBeDefined();
});

describe('YOLO-like heads', () => {
  /** Columns first, [N,C,64], or last; parts of 4 + further columns, each with its activation. */
  const head = (sizes: readonly number[], activations: readonly string[], last: boolean) => {
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const parts = sizes.map((_, i) => `part${i}`);
    const made = activations.map((op, i) => makeNode(op, [parts[i]!], [`made${i}`]));
    const nodes = [
      makeNode('Conv', ['a', 'wh'], ['o']),
      makeNode('Reshape', ['o', 'flat'], ['of']),
      makeNode('Split', ['of', 'sizes'], parts, { axis: 1 }),
      ...made,
      makeNode(
        'Concat',
        made.map((_, i) => `made${i}`),
        ['columns'],
        { axis: 1 },
      ),
      makeNode(last ? 'Transpose' : 'Identity', ['columns'], ['y'], last ? { perm: [0, 2, 1] } : {}),
    ];
    const weights = { wh: noise([total, 8, 1, 1], 7), flat: int64(0, total, 64), sizes: int64(...sizes) };
    return network(nodes, { outputs: [{ name: 'y' }], weights });
  };

  it('objectness with a Sigmoid of its own is no class', async () => {
    for (const last of [false, true]) {
      const cam = await open(head([4, 1, 3], ['Relu', 'Sigmoid', 'Sigmoid'], last));
      expect((await cam.predict(image, { topK: 9 })).length).toBe(3);
    }
  });

  it('columns that may be read in two ways are refused with both, and a format or labels decide', async () => {
    const model = head([4, 4], ['Relu', 'Sigmoid'], true);
    const cam = await open(model);
    await expectError(
      () => cam.predict(image),
      'ERR_MODEL_UNSUPPORTED',
      "4 classes ('yolov8')",
      "3 classes ('yolov5')",
      '`detector`',
    );
    const count = async (options: object) => (await (await open(model, options)).predict(image, { topK: 9 })).length;
    expect(await count({ detector: 'yolov8' })).toBe(4);
    expect(await count({ detector: 'yolov5' })).toBe(3);
    expect(await count({ labels: ['a', 'b', 'c'] })).toBe(3);
    expect(await count({ labels: ['a', 'b', 'c', 'd'] })).toBe(4);
    await expectError(() => open(model, { detector: 'yolov9' as never }), 'ERR_OPTION_INVALID', 'yolov9', 'false');
  });
});

describe('the batch axis', () => {
  it('pictures that are mixed in a batch of a fixed size: every result says so', async () => {
    const nodes = [
      makeNode('BatchNormalization', ['a', 's', 'b', 'mu', 'var'], ['n', 'mu1', 'var1'], { training_mode: 1 }),
      makeNode('GlobalAveragePool', ['n'], ['q']),
      makeNode('Flatten', ['q'], ['u']),
      makeNode('Gemm', ['u', 'wf'], ['y'], { transB: 1 }),
    ];
    const ones = { dims: [8], data: new Float32Array(8).fill(1) };
    const weights = { s: noise([8], 4), b: noise([8], 5), mu: noise([8], 6), var: ones };
    const fixed = await open(network(nodes, { outputs: [{ name: 'y' }], weights, batch: 2 }));
    expect(one(await fixed.explain(image, { method: 'eigen-cam' })).warnings.join()).toMatch(/mixes the pictures/);
    const open_ = await open(network(nodes, { outputs: [{ name: 'y' }], weights }));
    expect(one(await open_.explain(image, { method: 'eigen-cam' })).warnings).toEqual([]);
  });

  it('weights that are standardised by a batch normalisation in training mode mix nothing', async () => {
    const nodes = [
      makeNode('BatchNormalization', ['k', 's', 'b', 'mu', 'var'], ['kernel', 'mu1', 'var1'], { training_mode: 1 }),
      makeNode('Conv', ['a', 'kernel'], ['n']),
      makeNode('GlobalAveragePool', ['n'], ['q']),
      makeNode('Flatten', ['q'], ['u']),
      makeNode('Gemm', ['u', 'wf'], ['y'], { transB: 1 }),
    ];
    const ones = { dims: [8], data: new Float32Array(8).fill(1) };
    const weights = { k: noise([8, 8, 1, 1], 3), s: noise([8], 4), b: noise([8], 5), mu: noise([8], 6), var: ones };
    const cam = await open(network(nodes, { outputs: [{ name: 'y' }], weights, batch: 2 }));
    expect(one(await cam.explain(image, { method: 'eigen-cam' })).warnings.join()).not.toMatch(/mixes the pictures/);
  });

  it('steps before the pictures are refused for every target that reads positions', async () => {
    const nodes = [
      makeNode('Unsqueeze', ['z', 'front'], ['u']),
      makeNode('Concat', ['u', 'u', 'u'], ['y'], { axis: 0 }),
    ];
    const cam = await open(network(nodes, { outputs: [{ name: 'y' }], weights: { front: int64(0) } }));
    for (const target of ['top1', { kind: 'segmentation', classIndex: 1, region: 'predicted' }] as const)
      await expectError(
        () => cam.explain(image, { target: target as never }),
        'ERR_MODEL_UNSUPPORTED',
        'steps',
        'graph(',
      );
  });
});

describe('the automatic layer', () => {
  it('of an ensemble is the last one of each branch, fused', async () => {
    const nodes = [
      makeNode('Conv', ['x', 'w2'], ['c2'], { pads: [2, 2, 2, 2], strides: [2, 2] }),
      makeNode('Relu', ['c2'], ['a2']),
      makeNode('GlobalAveragePool', ['a2'], ['p2']),
      makeNode('Flatten', ['p2'], ['v2']),
      makeNode('Gemm', ['v2', 'wf'], ['z2'], { transB: 1 }),
      makeNode('Add', ['z', 'z2'], ['y']),
    ];
    const cam = await open(network(nodes, { outputs: [{ name: 'y' }], weights: { w2: noise([8, 3, 5, 5], 9) } }));
    const result = one(await cam.explain(image));
    expect(names(result)).toEqual(['a', 'a2']);
    expect(result.status).toBe('ok');
    expect([result.layer].flat()[0]!.reason).toMatch(/2 branches/);
    expect(cam.layers().filter(({ chosen }) => chosen).length).toBe(2);
  });

  it('with a way around it is the last of the way through it', async () => {
    const nodes = [
      makeNode('GlobalAveragePool', ['x'], ['px']),
      makeNode('Flatten', ['px'], ['vx']),
      makeNode('Gemm', ['vx', 'wx'], ['zx'], { transB: 1 }),
      makeNode('Add', ['z', 'zx'], ['y']),
    ];
    const cam = await open(network(nodes, { outputs: [{ name: 'y' }], weights: { wx: noise([6, 3], 9) } }));
    const result = one(await cam.explain(image));
    expect(names(result)).toEqual(['a']);
    expect([result.layer].flat()[0]!.reason).toMatch(/way around/);
  });

  it('lies before a pooled vector that is spread over positions again', async () => {
    const nodes = [
      makeNode('Expand', ['p', 'shape'], ['e']),
      makeNode('Conv', ['e', 'w3'], ['c3'], { pads: [1, 1, 1, 1] }),
      makeNode('Relu', ['c3'], ['a3']),
      makeNode('GlobalAveragePool', ['a3'], ['p3']),
      makeNode('Flatten', ['p3'], ['v3']),
      makeNode('Gemm', ['v3', 'wf'], ['y'], { transB: 1 }),
    ];
    const weights = { shape: int64(1, 8, 4, 4), w3: noise([8, 8, 3, 3], 9) };
    const cam = await open(network(nodes, { outputs: [{ name: 'y' }], weights }));
    const result = one(await cam.explain(image));
    expect(names(result)).toEqual(['a']);
    expect(result.status).toBe('ok');
  });
});
