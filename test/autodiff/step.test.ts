/** The step that masks gradients, as one node. */
import { expect, it, onTestFinished } from 'vitest';
import { step } from '../../lib/autodiff/blocked.ts';
import { Emitter } from '../../lib/autodiff/emitter.ts';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { createOrtSession } from '../helpers/ort-session.ts';
import { graphOf } from './harness.ts';

/** Tensors are made and read as the type has them. */
const CASES = [
  ['float32', 'HardSigmoid', Float32Array],
  // ONNX Runtime has no HardSigmoid for it.
  ['float64', 'Cast', Float64Array],
] as const;

it.each(CASES)(
  'of %s is exact, with no attribute that a runtime could take for one left out',
  async (type, op, Values) => {
    const values = [-1, -1e-20, -0, 0, 1e-20, 1e-3, 1];
    const dims = [values.length];
    const graph = graphOf({ nodes: [['Identity', ['x'], ['y']]], inputs: { x: dims }, weights: {} });
    graph.inputs[0] = makeValueInfo('x', type, dims);
    const emit = new Emitter(graph, new Map(['x', 'y'].map(name => [name, { type, dims }])), 'g');
    const mask = step(emit, { name: 'x', type, dims });
    graph.outputs[0] = makeValueInfo(mask.name, type, dims);
    const node = graph.producer(mask.name)!;
    expect(node.op).toBe(op);
    if (op === 'HardSigmoid')
      for (const { name } of node.attributes.protos) expect(node.attributes.float(name)).not.toBe(0);
    const session = await createOrtSession(serializeModel(graph).model);
    onTestFinished(() => session.dispose());
    const x = { type, data: Values.from(values), dims } as Tensor;
    const { [mask.name]: found } = await session.run({ x }, [mask.name]);
    expect([...(found!.data as Float32Array)]).toEqual([0, 0, 0, 0, 1, 1, 1]);
  },
);
