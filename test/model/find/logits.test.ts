import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { describeInput } from '../../../lib/model/find/input.ts';
import { findLogits } from '../../../lib/model/find/logits.ts';
import { type GraphNode, makeNode } from '../../../lib/model/graph/graph.ts';
import { probeFacts } from '../../../lib/model/probe/probe-facts.ts';
import { buildModel, int64, type ModelSpec, noise, type ValueSpec } from '../../helpers/model-builder.ts';
import { createOrtSession } from '../../helpers/ort-session.ts';

/** A pooled image `v` [N,3] (and `m` [N,4,8,8]) followed by the given nodes. */
async function logitsAfter(nodes: GraphNode[], more: Partial<ModelSpec> = {}, output?: string) {
  const outputs: ValueSpec[] = more.outputs ? [...more.outputs] : [{ name: 'y' }];
  const graph = parseModel(
    buildModel({
      opset: 17,
      ...more,
      nodes: [
        makeNode('Conv', ['x', 'w'], ['m']),
        makeNode('GlobalAveragePool', ['m'], ['p']),
        makeNode('Flatten', ['p'], ['v']),
        ...nodes,
      ],
      inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
      outputs,
      initializers: { w: noise([4, 3, 1, 1]), ...more.initializers },
    }),
  );
  const facts = await probeFacts(graph, createOrtSession, { input: describeInput(graph) });
  return findLogits(graph, facts, output);
}

describe('findLogits', () => {
  it('takes the output itself when no activation follows', async () => {
    expect(await logitsAfter([makeNode('Identity', ['v'], ['y'])])).toEqual({
      output: 'y',
      tensor: 'y',
      dims: [-1, 4],
      classes: 4,
      classAxis: 1,
      spatial: false,
      kind: 'logits',
      reason: 'output "y", no final Softmax or Sigmoid',
    });
  });

  it.each([
    ['Softmax', 'softmax'],
    ['LogSoftmax', 'softmax'],
    ['Sigmoid', 'sigmoid'],
  ])('looks through a final %s', async (operator, kind) => {
    expect(await logitsAfter([makeNode(operator, ['v'], ['y'])])).toMatchObject({
      output: 'y',
      tensor: 'v',
      kind,
      classes: 4,
      reason: `input of the final ${operator}`,
    });
  });

  it('looks through reshapes, casts and Log around the activation', async () => {
    const nodes = [
      makeNode('Softmax', ['p'], ['s'], { axis: 1 }),
      makeNode('Log', ['s'], ['l']),
      makeNode('Cast', ['l'], ['c'], { to: 1 }),
      makeNode('Reshape', ['c', 'shape'], ['y']),
    ];
    const found = await logitsAfter(nodes, { initializers: { shape: int64(0, -1) } });
    expect(found).toMatchObject({ tensor: 'p', dims: [-1, 4, 1, 1], classAxis: 1, classes: 4, spatial: false });
  });

  it('follows the old meaning of the Softmax axis below opset 13', async () => {
    expect(await logitsAfter([makeNode('Softmax', ['p'], ['y'])], { opset: 11 })).toMatchObject({
      tensor: 'p',
      kind: 'softmax',
      classAxis: 1,
    });
  });

  it('recognises a Softmax in pieces', async () => {
    const nodes = [
      makeNode('ReduceMax', ['m'], ['a'], { axes: [1] }),
      makeNode('Sub', ['m', 'a'], ['b']),
      makeNode('Exp', ['b'], ['e']),
      makeNode('ReduceSum', ['e', 'axes'], ['t']),
      makeNode('Div', ['e', 't'], ['y']),
    ];
    const found = await logitsAfter(nodes, { initializers: { axes: int64(1) } });
    expect(found).toMatchObject({ tensor: 'm', kind: 'softmax', classAxis: 1, spatial: true, dims: [-1, 4, 8, 8] });
  });

  it('does not mistake a Reshape that mixes classes and positions for an alias', async () => {
    const nodes = [makeNode('Softmax', ['m'], ['s'], { axis: 1 }), makeNode('Flatten', ['s'], ['y'])];
    expect(await logitsAfter(nodes)).toMatchObject({ tensor: 'y', kind: 'confidence', classes: 256 });
  });

  it('knows single values and unit vectors for what they are', async () => {
    const single = [makeNode('ReduceMean', ['v'], ['y'], { axes: [1] })];
    expect(await logitsAfter(single)).toMatchObject({ kind: 'regression', classes: 1 });
    const unit = [
      makeNode('ReduceL2', ['v'], ['n'], { axes: [1] }),
      makeNode('Clip', ['n', 'low'], ['c']),
      makeNode('Div', ['v', 'c'], ['y']),
    ];
    const low = { dims: [], data: [1e-12] };
    expect(await logitsAfter(unit, { initializers: { low } })).toMatchObject({ kind: 'embedding', classes: 4 });
  });

  it('chooses among several outputs, by name or the first vector of scores', async () => {
    const nodes = [
      makeNode('ArgMax', ['v'], ['label'], { axis: 1 }),
      makeNode('Softmax', ['v'], ['probabilities']),
      makeNode('Identity', ['m'], ['features']),
    ];
    const outputs: ValueSpec[] = [{ name: 'label', type: 'int64' }, { name: 'features' }, { name: 'probabilities' }];
    expect(await logitsAfter(nodes, { outputs })).toMatchObject({ output: 'probabilities', tensor: 'v' });
    expect(await logitsAfter(nodes, { outputs }, 'features')).toMatchObject({ output: 'features', spatial: true });
    await expect(logitsAfter(nodes, { outputs }, 'probability')).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringMatching(/did you mean probabilities/),
    });
    const cast = { ...outputs[0]!, name: 'whole' };
    const rounded = [makeNode('Cast', ['v'], ['whole'], { to: 7 })];
    await expect(logitsAfter(rounded, { outputs: [cast] })).rejects.toMatchObject({ code: 'ERR_MODEL_UNSUPPORTED' });
  });

  it('looks through a final ArgMax, and a Softmax before it', async () => {
    const outputs: ValueSpec[] = [{ name: 'y', type: 'int64' }];
    const labels = (from: string) => makeNode('ArgMax', [from], ['y'], { axis: -1, keepdims: 0 });
    expect(await logitsAfter([labels('v')], { outputs })).toMatchObject({ output: 'y', tensor: 'v', kind: 'logits' });
    const softmax = [makeNode('Softmax', ['v'], ['probs']), labels('probs')];
    expect(await logitsAfter(softmax, { outputs })).toMatchObject({ tensor: 'v', classAxis: 1, kind: 'softmax' });
  });
});
