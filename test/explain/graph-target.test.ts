import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { contrast, graph, negative, probability } from '../../lib/targets/index.ts';
import { parseTargetText } from '../../lib/targets/parse.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one, plainModel, transparentModel } from '../helpers/explain-models.ts';
import { buildModel, type ModelSpec } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const image = noiseImage([1, 3, 16, 16], 3);
const open = explainerOpener();
const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-graph-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** score = Σ_k w_k z_k, of five logits. */
function linear(weights: readonly number[], spec: Partial<ModelSpec> = {}) {
  return buildModel({
    nodes: [makeNode('MatMul', ['anything', 'w'], ['score'])],
    inputs: [{ name: 'anything', dims: ['N', 5] }],
    outputs: [{ name: 'score', dims: ['N', 1] }],
    initializers: { w: { dims: [5, 1], data: weights } },
    ...spec,
  });
}

describe('graph()', () => {
  const weights = [0, 1, 0, -0.5, 0];

  it('differentiates the score of the user’s graph: a contrast, written as one', async () => {
    const cam = await open(plainModel());
    const methods = ['hirescam', 'grad-cam', 'grad-cam++', 'ablation-cam', 'eigen-cam'];
    const scored = flat(await cam.explain(image, { methods, target: graph(linear(weights)) }));
    const written = flat(await cam.explain(image, { methods, target: contrast(1, 3, 0.5) }));
    for (const [i, result] of scored.entries()) {
      expect(result.target).toMatchObject({ kind: 'graph', index: 0, label: null, probability: null });
      expect(result.target.score).toBeCloseTo(written[i]!.target.score, 4);
      expectClose(result.raw.data, written[i]!.raw.data, 1e-5);
    }
    const back = one(await cam.explain(image, { method: 'hirescam', target: negative(graph(linear(weights))) }));
    expectClose(
      back.raw.data,
      written[0]!.raw.data.map(value => -value),
      1e-5,
    );
  });

  it('of a file, for a batch and on the command line', async () => {
    const path = join(folder, 'head.onnx');
    writeFileSync(path, linear(weights));
    expect(parseTargetText(`graph:${path}`)).toEqual(graph(path));
    const cam = await open(plainModel());
    const images = noiseImage([3, 3, 16, 16], 5);
    const together = flat(await cam.explain(images, { method: 'grad-cam', target: graph(path) }));
    const written = flat(await cam.explain(images, { method: 'grad-cam', target: contrast(1, 3, 0.5) }));
    for (const [i, { raw }] of together.entries()) expectClose(raw.data, written[i]!.raw.data, 1e-5);
  });

  it('is taken as it is: its Sigmoid is not looked through; one number per image without an axis', async () => {
    const cam = await open(plainModel());
    const bounded = linear(weights, {
      nodes: [
        makeNode('MatMul', ['anything', 'w'], ['s']),
        makeNode('Sigmoid', ['s'], ['p']),
        makeNode('Squeeze', ['p', 'axis'], ['score']),
      ],
      outputs: [{ name: 'score', dims: ['N'] }],
      initializers: { w: { dims: [5, 1], data: weights }, axis: { dims: [1], data: BigInt64Array.of(1n) } },
    });
    const { target } = one(await cam.explain(image, { method: 'hirescam', target: graph(bounded) }));
    const plain = one(await cam.explain(image, { method: 'hirescam', target: graph(linear(weights)) })).target.score;
    expect(target.score).toBeCloseTo(1 / (1 + Math.exp(-plain)), 5);
  });

  it('reads several outputs by their names', async () => {
    const cam = await open(
      buildModel({
        nodes: [
          makeNode('Relu', ['x'], ['a']),
          makeNode('GlobalAveragePool', ['a'], ['p']),
          makeNode('Flatten', ['p'], ['mean'], { axis: 1 }),
          makeNode('GlobalMaxPool', ['a'], ['m']),
          makeNode('Flatten', ['m'], ['most'], { axis: 1 }),
        ],
        inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
        outputs: ['mean', 'most'].map(name => ({ name, dims: ['N', 3] })),
      }),
    );
    const product = buildModel({
      nodes: [
        makeNode('Mul', ['most', 'mean'], ['both']),
        makeNode('ReduceMax', ['both'], ['score'], { axes: [1], keepdims: 1 }),
      ],
      inputs: ['most', 'mean'].map(name => ({ name, dims: ['N', 3] })),
      outputs: [{ name: 'score', dims: ['N', 1] }],
    });
    const { target, raw } = one(await cam.explain(image, { method: 'hirescam', target: graph(product), layer: 'a' }));
    const features = [0, 1, 2].map(c => image.data.subarray(c * 256, (c + 1) * 256).map(value => Math.max(0, value)));
    const scores = features.map(values => (Math.max(...values) * values.reduce((sum, v) => sum + v, 0)) / 256);
    expect(target.score).toBeCloseTo(Math.max(...scores), 5);
    // Of degree two in the features: Σ G·A = 2·score.
    expect(raw.data.reduce((sum, value) => sum + value, 0)).toBeCloseTo(2 * target.score, 4);
  });

  it('takes another opset where its operators mean the same there, and says so where they do not', async () => {
    const cam = await open(plainModel());
    const same = one(await cam.explain(image, { method: 'hirescam', target: graph(linear(weights, { opset: 11 })) }));
    const own = one(await cam.explain(image, { method: 'hirescam', target: graph(linear(weights)) }));
    expectClose(same.raw.data, own.raw.data, 1e-6);
    // Before opset 13 ReduceSum has its axes as an attribute.
    const other = linear(weights, {
      nodes: [makeNode('ReduceSum', ['anything'], ['score'], { axes: [1], keepdims: 1 })],
      initializers: {},
      opset: 11,
    });
    await expectError(
      () => cam.explain(image, { method: 'hirescam', target: graph(other) }),
      'ERR_MODEL_UNSUPPORTED',
      'opset 11',
      'opset 17',
    );
  });

  it('says what is wrong with it', async () => {
    const cam = await open(plainModel());
    const explain = (target: Parameters<typeof negative>[0]) => () =>
      cam.explain(image, { method: 'grad-cam', target });
    const wide = linear(weights, {
      initializers: { w: { dims: [5, 2], data: new Array<number>(10).fill(1) } },
      outputs: [{ name: 'score', dims: ['N', 2] }],
    });
    await expectError(explain(graph(wide)), 'ERR_MODEL_INVALID', '[N] or [N,1]');
    const narrow = linear([1, 1, 1, 1, 1], { inputs: [{ name: 'anything', dims: ['N', 3] }] });
    await expectError(explain(graph(narrow)), 'ERR_INPUT_SHAPE', 'anything', 'N,3', 'N,5');
    const two = buildModel({
      nodes: [makeNode('Add', ['y', 'other'], ['score'])],
      inputs: ['y', 'other'].map(name => ({ name, dims: ['N', 5] })),
      outputs: [{ name: 'score', dims: ['N', 5] }],
    });
    await expectError(explain(graph(two)), 'ERR_MODEL_INVALID', '"other" is no output');
    await expectError(explain(graph(new Uint8Array(4))), 'ERR_MODEL_INVALID');
    await expectError(explain(graph(join(folder, 'none.onnx'))), 'ERR_MODEL_NOT_FOUND');
    await expectError(explain(contrast(graph(linear(weights)), 1)), 'ERR_OPTION_INVALID', 'combined');
    await expectError(explain(probability(graph(linear(weights)))), 'ERR_OPTION_INVALID', 'no probability');
    const bytes = linear(weights);
    await expectError(
      () => cam.explain([image, image], { method: 'grad-cam', target: [graph(bytes), 2] }),
      'ERR_OPTION_INVALID',
      'one graph()',
    );
  });

  it('has no gradient where an operator of its has none; other methods explain it', async () => {
    const cam = await open(transparentModel());
    const input = noiseImage([1, 3, 4, 4], 2);
    const steps = linear([1, 2, 3, 4, 5], {
      nodes: [makeNode('Hardmax', ['anything'], ['h']), makeNode('MatMul', ['h', 'w'], ['score'])],
    });
    await expectError(
      () => cam.explain(input, { method: 'grad-cam', target: graph(steps) }),
      'ERR_NO_GRADIENT',
      'Hardmax',
    );
    const { target, status } = one(await cam.explain(input, { method: 'ablation-cam', target: graph(steps) }));
    expect([1, 2, 3, 4, 5]).toContain(target.score);
    expect(['ok', 'zero']).toContain(status);
  });
});
