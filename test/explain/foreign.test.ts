import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { appendClassSeed } from '../../lib/autodiff/seed.ts';
import { load } from '../../lib/load.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { expose } from '../../lib/model/graph/expose.ts';
import { foreignGraphLabels, loadForeignGraph } from '../helpers/foreign-graphs.ts';
import { load as loadModel } from '../helpers/load.ts';
import { createOrtSession } from '../helpers/ort-session.ts';

/** What PyTorch did not export: layout, operator and size of the layer that is chosen. */
const CHOSEN: Record<string, [layout: string, operator: string, shape: number[]]> = {
  'keras-tf2onnx-13': ['nhwc', 'Mul', [-1, 20, 8, 8]],
  'paddle-11': ['nchw', 'Mul', [-1, 20, 7, 7]],
  'zoo-alexnet-7': ['nchw', 'Relu', [-1, 24, 8, 8]],
  'zoo-pyramid-7': ['nchw', 'Elu', [-1, 16, 16, 16]],
  'zoo-pyramid-9': ['nchw', 'Elu', [-1, 16, 16, 16]],
  'zoo-resnet-9': ['nchw', 'Relu', [-1, 20, 8, 8]],
  'zoo-squeezenet-8': ['nchw', 'Relu', [-1, 12, 8, 8]],
};

it('has golden values for every graph', () => {
  expect(foreignGraphLabels()).toEqual(Object.keys(CHOSEN).sort());
});

describe.each(foreignGraphLabels())('%s', label => {
  const golden = loadForeignGraph(label);

  it('has the gradients of the framework that made it, at every layer', async () => {
    const { graph: original, facts, logits, input, chosen } = await loadModel(golden.model);
    const [layout, operator, shape] = CHOSEN[label]!;
    expect({ layout: input.layout, operator: chosen!.operator, shape: chosen!.shape }).toEqual({
      layout,
      operator,
      shape,
    });
    expect(input.batch).toBeUndefined();
    const graph = original.clone();
    const seed = appendClassSeed(graph, facts, logits.tensor);
    // The last ones may be the scores themselves, or what a Softmax makes of them.
    const wrt = Object.keys(golden.gradients).filter(name => golden.gradients[name]!.dims.length === 4);
    expect(wrt.length).toBeGreaterThan(8);
    expect(wrt).toContain(input.name);
    const seeds = { [logits.tensor]: { index: seed.index } };
    const result = differentiate({ graph, facts: seed.facts, seeds, wrt });
    graph.outputs.length = 0;
    const outputs = wrt.map(tensor => expose(graph, result.gradients.get(tensor)!, result.facts));
    const { model, externalFiles } = serializeModel(graph);
    const session = await createOrtSession(model, { externalFiles, graphOptimizationLevel: 'all' });
    const feeds = { [input.name]: golden.image, ...seed.feeds(golden.targets.slice(0, golden.image.dims[0])) };
    const values = await session.run(feeds, outputs);
    await session.dispose();
    for (const [index, tensor] of wrt.entries()) {
      const { dims, data } = values[outputs[index]!]!;
      const { max, l2, positions, values: expected, dims: shape } = golden.gradients[tensor]!;
      expect(dims).toEqual(shape);
      const gradient = data as Float32Array;
      const worst = Math.max(...positions.map((position, i) => Math.abs(gradient[position]! - expected[i]!)));
      expect(worst / max, tensor).toBeLessThan(1e-5);
      const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
      expect(Math.abs(norm / l2 - 1), tensor).toBeLessThan(1e-5);
    }
  });

  it('is explained by methods of every kind, from the picture on', async () => {
    const cam = await load(golden.model);
    try {
      const methods = ['grad-cam', 'layer-cam', 'score-cam', 'ablation-cam', 'recipro-cam', 'rise', 'guided-backprop'];
      const one = { ...golden.image, dims: [1, ...golden.image.dims.slice(1)] };
      const image = {
        ...one,
        data: one.data.subarray(
          0,
          one.dims.reduce((product, size) => product * size, 1),
        ),
      };
      const [target] = golden.targets as [number];
      const [row] = golden.scores as [number[]];
      const isProbability = Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < 1e-4;
      for (const found of await cam.explain(image, { methods, target, params: { topK: 3, n: 4 } })) {
        expect(['ok', 'zero'], found.method).toContain(found.status);
        if (isProbability) expect(found.target.probability).toBeCloseTo(row[target]!, 5);
        else expect(found.target.score).toBeCloseTo(row[target]!, 4);
      }
      const [fused] = await cam.explain(image, { methods: ['layer-cam'], target, layer: 'stages' });
      expect(fused!.map.data.every(Number.isFinite)).toBe(true);
    } finally {
      await cam.dispose();
    }
  });
});
