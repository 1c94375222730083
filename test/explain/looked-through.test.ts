import { describe, expect, it } from 'vitest';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { image, network } from '../helpers/choice-networks.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one } from '../helpers/explain-models.ts';
import { int64, noise, type WeightSpec } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();

describe('scores at the end', () => {
  const after = (nodes: readonly GraphNode[], weights: Readonly<Record<string, WeightSpec>> = {}, batch?: number) =>
    open(network(nodes, { outputs: [{ name: 'y' }], weights, batch: batch ?? 'N' }));

  it.each([1, 'N'] as const)('squeezed by every axis of length 1: %s pictures', async batch => {
    const nodes = [makeNode('Gemm', ['v', 'one'], ['s']), makeNode('Squeeze', ['s'], ['y'])];
    const model = network(nodes, { outputs: [{ name: 'y' }], weights: { one: noise([8, 1], 4) }, batch });
    const cam = await open(model);
    const plain = await open(
      network(nodes.slice(0, 1), { outputs: [{ name: 's' }], weights: { one: noise([8, 1], 4) } }),
    );
    const { raw, predictions } = one(await cam.explain(image));
    const expected = one(await plain.explain(image));
    expect(predictions).toEqual(expected.predictions);
    expectClose(raw.data, expected.raw.data, 1e-5);
    const classes = await after([makeNode('Squeeze', ['z'], ['y'])]);
    const two = await classes.explain([image, noiseImage([1, 3, 16, 16], 7)]);
    for (const result of two) expect(result.predictions.length).toBe(5);
    expectClose(one(await classes.explain(image)).raw.data, two[0]!.raw.data, 1e-5);
  });

  it('the probabilities of the best few are of classes', async () => {
    const nodes = [makeNode('TopK', ['z', 'k'], ['best', 'which'], { axis: 1 }), makeNode('Softmax', ['best'], ['y'])];
    const cam = await after(nodes, { k: int64(3) });
    expect((await cam.predict(image, { topK: 9 })).length).toBe(6);
  });

  it('the largest probability is that of a class', async () => {
    const nodes = [makeNode('Softmax', ['z'], ['s']), makeNode('ReduceMax', ['s'], ['y'], { axes: [1], keepdims: 0 })];
    expect((await (await after(nodes)).predict(image, { topK: 9 })).length).toBe(6);
  });

  it('that are random are warned of', async () => {
    const yes = { dims: [], type: 'bool' as const, data: Uint8Array.of(1) };
    const nodes = [makeNode('Dropout', ['z', 'half', 'train'], ['y'])];
    const cam = await after(nodes, { half: { dims: [], data: [0.5] }, train: yes });
    expect(one(await cam.explain(image, { method: 'eigen-cam' })).warnings.join()).toMatch(/at random/);
  });

  it('a Sigmoid for each class over all patches makes no boxes', async () => {
    const parts = Array.from({ length: 12 }, (_, k) => `k${k}`);
    const nodes = [
      makeNode('Conv', ['a', 'wk'], ['o']),
      makeNode('Reshape', ['o', 'flat'], ['of']),
      makeNode('Split', ['of', 'ones'], parts, { axis: 1 }),
      ...parts.map(part => makeNode('Sigmoid', [part], [`s${part}`])),
      makeNode(
        'Concat',
        parts.map(part => `s${part}`),
        ['y'],
        { axis: 1 },
      ),
    ];
    const weights = {
      wk: noise([12, 8, 1, 1], 8),
      flat: int64(0, 12, 64),
      ones: int64(...new Array<number>(12).fill(1)),
    };
    const cam = await after(nodes, weights);
    await expectError(() => cam.predict(image), 'ERR_MODEL_UNSUPPORTED', 'many positions', 'segmentation(');
    const sum = one(
      await cam.explain(image, { target: { kind: 'segmentation', classIndex: 11, region: 'predicted' } as never }),
    );
    expect(sum.target.index).toBe(11);
  });
});
