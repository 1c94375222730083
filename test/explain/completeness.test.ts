/** FullGrad's completeness: input terms, bias terms and the classifier's bias add up to the logit. */
import { expect, it } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { findMethod } from '../../lib/methods/registry.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { readNumbers } from '../../lib/model/graph/tensor-values.ts';
import { planGraph } from '../../lib/plan/plan-graph.ts';
import { chooseLayers } from '../../lib/request/layers.ts';
import { loadGoldenGraph } from '../helpers/golden-graphs.ts';
import { load } from '../helpers/load.ts';

// Networks of ReLU alone are affine between its kinks; a ReLU6 that is full adds a constant that is no bias.
it.each(['resnet18-legacy-17', 'densenet121-legacy-11'])('holds for %s', async label => {
  const golden = loadGoldenGraph(label);
  const model = await load(golden.model);
  const layers = chooseLayers(model, findMethod('fullgrad'), undefined, undefined);
  expect(layers.length).toBeGreaterThan(20);
  const planned = planGraph(model, model.facts, model.logits, layers, {
    activations: [layers[0]!.name],
    gradients: layers.map(({ name }) => name),
    seed: { kind: 'index', view: 'logit' },
    manyScores: false,
  });
  const { model: bytes, externalFiles } = serializeModel(planned.graph);
  const session = await Session.create(bytes, { externalFiles });
  try {
    const [input, ...biased] = layers;
    const names = [planned.logits, planned.activations.get(input!.name)!, ...planned.gradients.values()];
    const [count, ...dims] = golden.input.dims as [number, ...number[]];
    const size = golden.input.data.length / count;
    const images = { type: 'float32' as const, data: golden.input.data.slice(0, size), dims: [1, ...dims] };
    const target = golden.targets[0]!;
    const outputs = await session.run({ [planned.input]: images, ...planned.classFeeds!([target]) }, [
      ...new Set(names),
    ]);
    const values = (name: string) => outputs[name]!.data as Float32Array;
    const gradient = (name: string) => values(planned.gradients.get(name)!);
    let sum = gradient(input!.name).reduce((total, g, i) => total + g * images.data[i]!, 0);
    for (const { name, bias, spatial } of biased) {
      const g = gradient(name);
      const own = g.length / bias!.length;
      // A gradient that is constant over positions stands for all of them.
      const repeats = (spatial[0]! * spatial[1]!) / own;
      sum += g.reduce((total, value, i) => total + value * bias![Math.floor(i / own)]! * repeats, 0);
    }
    const classifier = model.graph.producer(model.logits.tensor)!;
    sum += readNumbers(model.graph.initializers.get(classifier.inputs[2]!)!)[target]!;
    const logit = values(planned.logits)[target]!;
    expect(logit).toBeCloseTo(golden.logits[0]![target]!, 3);
    expect(Math.abs(sum - logit) / Math.abs(logit)).toBeLessThan(1e-3);
  } finally {
    await session.dispose();
  }
});
