import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { findCamHead } from '../../lib/model/find/cam-head.ts';
import { stageLayers } from '../../lib/model/find/choose-layer.ts';
import { headOf, tailOf } from '../../lib/model/graph/cut.ts';
import type { Graph } from '../../lib/model/graph/graph.ts';
import { goldenGraphLabels, loadGoldenGraph } from '../helpers/golden-graphs.ts';
import { load } from '../helpers/load.ts';
import { createOrtSession } from '../helpers/ort-session.ts';

/** Their heads have more than one linear layer. */
const WITHOUT_CAM = ['alexnet', 'mobilenet_v3_large', 'vgg16', 'vgg16_bn'];

async function run(graph: Graph, feeds: Record<string, Tensor>, output: string): Promise<Tensor> {
  const { model, externalFiles } = serializeModel(graph);
  const session = await createOrtSession(model, { externalFiles, graphOptimizationLevel: 'all' });
  const outputs = await session.run(feeds, [output]);
  await session.dispose();
  return outputs[output]!;
}

describe.each(goldenGraphLabels())('%s', label => {
  it("is understood, and computes PyTorch's logits in two halves", async () => {
    const golden = loadGoldenGraph(label);
    const { graph, facts, input, logits, layers, chosen } = await load(golden.model, { size: [64, 64] });
    expect(input).toMatchObject({ layout: 'nchw', channels: 3, batch: undefined });
    expect(logits).toMatchObject({ kind: 'logits', classes: golden.logits[0]!.length, spatial: false });
    expect(chosen!.name).toBe(golden.gradients.last.tensor);
    expect(chosen!.shape.slice(1)).toEqual(golden.gradients.last.dims.slice(1));
    const middle = layers.find(({ name }) => name === golden.gradients.middle.tensor);
    expect(middle).toMatchObject({ dominating: true });
    expect(middle!.shape.slice(1)).toEqual(golden.gradients.middle.dims.slice(1));
    const areas = stageLayers(layers).map(({ spatial }) => spatial[0]! * spatial[1]!);
    expect(areas.length).toBeGreaterThanOrEqual(3);
    expect(areas).toEqual([...new Set(areas)].sort((a, b) => b - a));
    const head = findCamHead(graph, facts, chosen!, logits);
    if (WITHOUT_CAM.includes(golden.architecture)) expect(head).toBeUndefined();
    else expect(head).toMatchObject({ classes: logits.classes, channels: chosen!.channels });

    const image: Tensor = { type: 'float32', data: golden.input.data, dims: golden.input.dims };
    const activations = await run(headOf(graph, [chosen!.name], facts), { [input.name]: image }, chosen!.name);
    const tail = tailOf(graph, facts, chosen!.name, [logits.tensor]);
    expect(tail.inputs.map(({ name }) => name)).toEqual([chosen!.name]);
    const scores = await run(tail, { [chosen!.name]: activations }, logits.tensor);
    golden.logits.flat().forEach((value, index) => {
      expect((scores.data as Float32Array)[index]).toBeCloseTo(value, 3);
    });
  });
});
