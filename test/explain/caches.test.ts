import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { ExplainOptions, LoadOptions } from '../../lib/options.ts';
import { planKey } from '../../lib/plan/plan.ts';
import type { TargetLayer } from '../../lib/plan/target-layer.ts';
import { contrast, detection, graph, output, probability, similarity, topK } from '../../lib/targets/index.ts';
import { flat, noiseImage, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { vitModel } from '../helpers/transformer-models.ts';

const open = explainerOpener();

/** Two class outputs: the second is twice the first. */
function twoOutputs() {
  const spec = plainSpec({ size: ['H', 'W'] });
  return buildModel({
    ...spec,
    nodes: [...spec.nodes, makeNode('Add', ['y', 'y'], ['double'])],
    outputs: [...spec.outputs, { name: 'double', dims: ['N', 5] }],
  });
}

/** A score of the user's graph: a logit with a weight. */
const scored = (weight: number) =>
  graph(
    buildModel({
      nodes: [makeNode('MatMul', ['y', 'w'], ['score'])],
      inputs: [{ name: 'y', dims: ['N', 5] }],
      outputs: [{ name: 'score', dims: ['N', 1] }],
      initializers: { w: { dims: [5, 1], data: [0, weight, 0, 0, 1] } },
    }),
  );

type Call = readonly [image: readonly number[], options: ExplainOptions];

async function told(cam: Explainer, [dims, options]: Call) {
  return flat(await cam.explain(noiseImage(dims), options)).map(one => {
    const { timings, ...json } = one.toJSON();
    return [json, one.map.data, one.raw.data];
  });
}

/** What one explainer says from call to call is what a fresh one says, in either order. */
async function expectNothingMixedUp(model: Uint8Array, calls: readonly Call[], options: LoadOptions = {}) {
  const fresh: unknown[] = [];
  for (const call of calls) {
    const cam = await open(model, options);
    fresh.push(await told(cam, call));
    await cam.dispose();
  }
  const cam = await open(model, options);
  const order = calls.map((_, i) => i);
  for (const i of [...order, ...order.toReversed()]) expect(await told(cam, calls[i]!), `call ${i}`).toEqual(fresh[i]);
  // All at once, each with the sessions of others beside it.
  const together = await Promise.all(calls.map(call => told(cam, call)));
  for (const [i, one] of together.entries()) expect(one, `call ${i} beside others`).toEqual(fresh[i]);
}

const PICTURE = [1, 3, 16, 16];

describe('what an explainer keeps', () => {
  it('is not handed to a call of other methods, parameters, conventions, layers or targets', () =>
    expectNothingMixedUp(
      twoOutputs(),
      (
        [
          {},
          { method: 'grad-cam++' },
          { methods: ['grad-cam'] },
          { methods: ['fem', 'grad-cam'] },
          { method: 'fem' },
          { convention: 'torchcam' },
          { convention: 'pytorch-grad-cam' },
          { params: { eigenSmooth: true } },
          { params: { relu: false } },
          { method: 'fem', params: { k: 1 } },
          { layer: 'r1' },
          { layer: ['r1', 'r2'] },
          { layer: ['r1', 'r2'], fuse: false },
          { layer: 'stages' },
          { target: 0 },
          { target: 1 },
          { target: topK(2) },
          { target: probability(1) },
          { target: contrast(1, 2) },
          { target: output('double', 1) },
          { target: output('double', similarity(new Float32Array([1, 0, 2, 0, 0]))) },
          { target: output('double', similarity(new Float32Array([0, 3, 0, 0, 1]))) },
          { method: 'opti-cam', target: 1 },
          { method: 'opti-cam', target: output('double', 1) },
          { target: scored(1) },
          { target: scored(-2) },
        ] satisfies ExplainOptions[]
      ).map((options): Call => [PICTURE, options]),
    ));

  it('is not handed to a picture of another size, or to a batch', () =>
    expectNothingMixedUp(
      plainModel({ size: ['H', 'W'] }),
      ['grad-cam', 'score-cam', 'ablation-cam', 'rise', 'opti-cam'].flatMap(method =>
        [PICTURE, [1, 3, 16, 24], [1, 3, 24, 16], [2, 3, 16, 16]].map(
          (dims): Call => [dims, { method, target: 1, layer: 'r1', ...(method === 'rise' && { params: { n: 8 } }) }],
        ),
      ),
    ));

  it('is not handed to a score method of another layer, target or parameter', () =>
    expectNothingMixedUp(
      plainModel(),
      (
        [
          { method: 'score-cam', layer: 'r1' },
          { method: 'score-cam', layer: 'r2' },
          { method: 'ablation-cam', layer: 'r1' },
          { method: 'ablation-cam', layer: 'r2' },
          { method: 'ablation-cam', layer: 'c2', target: probability(1) },
          { method: 'opti-cam', params: { normalization: 'max' } },
          { method: 'opti-cam', layer: 'r1' },
          { method: 'opti-cam', target: contrast(1, 2) },
          { method: 'opti-cam', target: probability(2) },
          { method: 'opti-cam' },
        ] satisfies ExplainOptions[]
      ).map((options): Call => [PICTURE, { target: 2, ...options }]),
    ));

  it('is not handed from one head of a detector to another', () => {
    const folder = new URL('../golden/detection/', import.meta.url);
    const { size } = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8'));
    const net = parseModel(readFileSync(new URL('yolov8.onnx', folder)));
    // A second head: the same boxes with half the confidence.
    const model = buildModel({
      nodes: [...net.nodes, makeNode('Mul', ['output0', 'halves'], ['output1'])],
      inputs: [{ name: 'images', dims: ['N', 3, size, size] }],
      outputs: ['output0', 'output1'].map(name => ({ name, dims: ['N', 7, 45] })),
      initializers: {
        ...Object.fromEntries(net.initializers),
        halves: { dims: [1, 7, 1], data: [1, 1, 1, 1, 0.5, 0.5, 0.5] },
      },
    });
    const targets = ['output0', 'output1'].map(name => output(name, detection({ classIndex: 1 })));
    const calls = targets.map((target): Call => [[1, 3, size, size], { method: 'hirescam', target }]);
    return expectNothingMixedUp(model, calls);
  });

  it('is not handed from feature maps to attention', () =>
    expectNothingMixedUp(
      vitModel(),
      [
        { method: 'grad-cam' },
        { method: 'attention-rollout' },
        { method: 'attention-grad-cam' },
        { method: 'generic-attention' },
        { method: 'legrad' },
        { methods: ['grad-cam', 'attention-grad-cam'] },
        { method: 'grad-cam', layer: '0/out' },
      ].map((options): Call => [[1, 3, 12, 20], { target: 1, ...options }]),
    ));
});

describe('the key of a plan', () => {
  const plan = { activations: ['x'], gradients: ['x'], manyScores: false };
  const layer = { name: 'x', layout: 'nchw', channels: 4 } as unknown as TargetLayer;
  const key = (changes: Partial<typeof plan & { [name: string]: unknown }>, changed: Partial<TargetLayer> = {}) =>
    planKey({ ...plan, ...changes } as never, [{ ...layer, ...changed }]);

  it('is another one for everything that the graph is made of', () => {
    const readout = detection({}).readout;
    const tokens = { grid: [2, 3] as const, prefix: 1 };
    const keys = [
      key({}),
      key({ output: 'other' }),
      key({ readout }),
      key({ readout: { ...readout, box: [0, 0, 2, 2] } }),
      key({ readout: { ...readout, value: 'logit' } }),
      key({ readout: { kind: 'region', region: 'predicted' } }),
      key({ readout: { kind: 'similarity', vectors: [new Float32Array(3)] } }),
      key({ readout: { kind: 'similarity', vectors: [new Float32Array(3), new Float32Array(3)] } }),
      key({ region: true }),
      key({ candidates: true }),
      key({ activations: [] }),
      key({ gradients: [] }),
      key({ passes: { curvature: ['x'] } }),
      key({ passes: { guided: ['x'] } }),
      key({ seed: { kind: 'index', view: 'logit' } }),
      key({ seed: { kind: 'index', view: 'probability' } }),
      key({ seed: { kind: 'dense', views: ['logit'] } }),
      key({ manyScores: true }),
      key({}, { layout: 'attention' }),
      key({}, { layout: 'attention', channels: 2 }),
      key({}, { layout: 'tokens', tokens }),
      key({}, { layout: 'tokens', tokens: { ...tokens, prefix: 0 } }),
      key({}, { layout: 'tokens', tokens: { ...tokens, grid: [3, 2] } }),
      key({}, { layout: 'frames', frames: 2 }),
      key({}, { block: { stream: 'a', last: 'b' } }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(key({})).toBe(key({}));
  });
});
