import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { findObstacles } from '../../lib/autodiff/obstacles.ts';
import { gradientRules } from '../../lib/autodiff/rules/index.ts';
import type { Graph } from '../../lib/model/graph/graph.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { noise } from '../helpers/model-builder.ts';
import { factsByRunning, graphOf, pseudoRandom, relativeError, runGraph } from './harness.ts';

/** Conv → Relu → Conv → Relu → global pooling → classifier. */
function smallNetwork(batch: number | string = 2): Graph {
  return graphOf({
    nodes: [
      ['Conv', ['x', 'w1'], ['c1'], { pads: [1, 1, 1, 1] }],
      ['Relu', ['c1'], ['r1']],
      ['Conv', ['r1', 'w2'], ['c2'], { pads: [1, 1, 1, 1], strides: [2, 2] }],
      ['Relu', ['c2'], ['r2']],
      ['GlobalAveragePool', ['r2'], ['p']],
      ['Flatten', ['p'], ['f']],
      ['Gemm', ['f', 'wc', 'bc'], ['logits'], { transB: 1 }],
    ],
    inputs: { x: [batch, 2, 6, 6] },
    weights: {
      w1: noise([4, 2, 3, 3], 1),
      w2: noise([5, 4, 3, 3], 2),
      wc: noise([3, 5], 3),
      bc: noise([3], 4),
    },
  });
}

const feeds = { x: pseudoRandom([2, 2, 6, 6], 7), seed: pseudoRandom([2, 3], 8) };

function withSeed(graph: Graph, dims: readonly (number | string)[]): Graph {
  graph.inputs.push(makeValueInfo('seed', 'float32', dims));
  return graph;
}

const seeds = { logits: { gradient: 'seed' } };

describe('differentiate', () => {
  it('gives the gradients of several tensors from one pass', async () => {
    const graph = smallNetwork();
    const facts = await factsByRunning(graph, feeds);
    withSeed(graph, [2, 3]);
    const together = graph.clone();
    const joint = differentiate({ graph: together, facts, seeds, wrt: ['r2', 'r1', 'x'] });
    const all = await runGraph(together, feeds, [...joint.gradients.values()]);
    for (const tensor of ['r2', 'r1', 'x']) {
      const alone = graph.clone();
      const single = differentiate({ graph: alone, facts, seeds, wrt: [tensor] });
      const output = (await runGraph(alone, feeds, [single.gradients.get(tensor)!]))[single.gradients.get(tensor)!]!;
      const same = all[joint.gradients.get(tensor)!]!;
      expect(same.dims).toEqual(facts.get(tensor)!.dims);
      expect(Array.from(same.data as Float32Array)).toEqual(Array.from(output.data as Float32Array));
    }
    // One more than for the input alone: r2's gradient is written out.
    const input = differentiate({ graph: graph.clone(), facts, seeds, wrt: ['x'] });
    expect(joint.nodeCount).toBe(input.nodeCount + 1);
  });

  it('visits only what lies between the tensor and the score', async () => {
    const graph = smallNetwork();
    const facts = await factsByRunning(graph, feeds);
    withSeed(graph, [2, 3]);
    const before = graph.nodes.length;
    const { nodeCount, gradients, facts: known } = differentiate({ graph, facts, seeds, wrt: ['r2'], lazy: true });
    // Classifier, flatten, pooling; constant over positions.
    expect(graph.nodes.slice(before).map(node => node.op)).toEqual(['Gemm', 'Reshape', 'Mul']);
    expect(nodeCount).toBe(3);
    expect(known.get(gradients.get('r2')!)?.dims).toEqual([2, 5, 1, 1]);
  });

  it('expands a lazy gradient unless asked not to', async () => {
    const graph = smallNetwork();
    const facts = await factsByRunning(graph, feeds);
    withSeed(graph, [2, 3]);
    const lazy = differentiate({ graph, facts, seeds, wrt: ['r2'], lazy: true }).gradients.get('r2')!;
    const full = differentiate({ graph, facts, seeds, wrt: ['r2'] }).gradients.get('r2')!;
    const outputs = await runGraph(graph, feeds, [lazy, full]);
    expect(outputs[full]!.dims).toEqual([2, 5, 3, 3]);
    const expected = Array.from(outputs[lazy]!.data as Float32Array).flatMap(value => Array(9).fill(value));
    expect(Array.from(outputs[full]!.data as Float32Array)).toEqual(expected);
  });

  it('needs no run-time shapes for a dynamic batch', async () => {
    const graph = smallNetwork('batch');
    const facts = await factsByRunning(graph, feeds, { x: pseudoRandom([3, 2, 6, 6], 9) });
    expect(facts.get('r1')?.dims).toEqual([-1, 4, 6, 6]);
    withSeed(graph, ['batch', 3]);
    const before = graph.nodes.length;
    const { gradients } = differentiate({ graph, facts, seeds, wrt: ['x'] });
    expect(graph.nodes.slice(before).map(node => node.op)).not.toContain('Shape');
    const fixed = smallNetwork();
    const expected = differentiate({
      graph: withSeed(fixed, [2, 3]),
      facts: await factsByRunning(smallNetwork(), feeds),
      seeds,
      wrt: ['x'],
    });
    const name = expected.gradients.get('x')!;
    const values = (await runGraph(fixed, feeds, [name]))[name]!;
    const dynamic = (await runGraph(graph, feeds, [gradients.get('x')!]))[gradients.get('x')!]!;
    expect(Array.from(dynamic.data as Float32Array)).toEqual(Array.from(values.data as Float32Array));
  });

  it('takes an output that exposes a tensor for the tensor', async () => {
    const graph = smallNetwork();
    const facts = new Map(await factsByRunning(graph, feeds));
    graph.append(makeNode('Identity', ['r1'], ['exposed']));
    facts.set('exposed', facts.get('r1')!);
    withSeed(graph, [2, 3]);
    const { gradients } = differentiate({ graph, facts, seeds, wrt: ['exposed', 'r1'] });
    expect(gradients.get('exposed')).toBe(gradients.get('r1'));
  });

  it('adds up several scores', async () => {
    const graph = smallNetwork();
    const facts = new Map(await factsByRunning(graph, feeds));
    facts.set('seed', { type: 'float32', dims: [2, 3] });
    facts.set('mask', { type: 'float32', dims: [2, 5, 3, 3] });
    withSeed(graph, [2, 3]);
    graph.inputs.push(makeValueInfo('mask', 'float32', [2, 5, 3, 3]));
    const run = { ...feeds, mask: pseudoRandom([2, 5, 3, 3], 5) };
    const [first, second, both] = [seeds, { r2: { gradient: 'mask' } }, { ...seeds, r2: { gradient: 'mask' } }].map(
      chosen => differentiate({ graph, facts, seeds: chosen, wrt: ['x'] }).gradients.get('x')!,
    );
    const outputs = await runGraph(graph, run, [first!, second!, both!]);
    const values = (name: string) => outputs[name]!.data as Float32Array;
    const sum = values(first!).map((value, index) => value + values(second!)[index]!);
    expect(relativeError(values(both!), sum)).toBeLessThan(1e-6);
  });

  it('gives every pass names of its own', async () => {
    const graph = smallNetwork();
    const facts = await factsByRunning(graph, feeds);
    withSeed(graph, [2, 3]);
    differentiate({ graph, facts, seeds, wrt: ['x'] });
    differentiate({ graph, facts, seeds, wrt: ['x'] });
    const names = graph.nodes.flatMap(node => node.outputs);
    expect(new Set(names).size).toBe(names.length);
  });

  it('makes one constant per value', async () => {
    const graph = graphOf({
      nodes: [
        ['Sigmoid', ['x'], ['a']],
        ['Sigmoid', ['a'], ['b']],
        ['Sigmoid', ['b'], ['y']],
      ],
      inputs: { x: [2] },
    });
    const facts = await factsByRunning(graph, { x: pseudoRandom([2], 1) });
    graph.inputs.push(makeValueInfo('seed', 'float32', [2]));
    differentiate({ graph, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'] });
    expect(graph.initializers.size).toBe(1);
  });
});

describe('refusals', () => {
  const blocked = () =>
    graphOf({
      nodes: [
        ['Relu', ['x'], ['a']],
        ['Det', ['a'], ['d']],
        ['Exp', ['d'], ['y']],
      ],
      inputs: { x: [2, 2, 2] },
    });
  const seedless = { y: { gradient: 'seed' } };

  it('names operator and node before anything is appended', async () => {
    const graph = blocked();
    const facts = await factsByRunning(graph, { x: pseudoRandom([2, 2, 2], 3) });
    const before = graph.nodes.length;
    const rules = new Map([...gradientRules].filter(([op]) => op !== 'Det'));
    expect(findObstacles(graph, facts, 'y', ['x'], rules)).toEqual([{ op: 'Det', node: 'Det_1' }]);
    expect(findObstacles(graph, facts, 'y', ['d'], rules)).toEqual([]);
    expect(() => differentiate({ graph, facts, seeds: seedless, wrt: ['x'], rules })).toThrow(
      expect.objectContaining({ code: 'ERR_NO_GRADIENT', message: expect.stringContaining('Det (node "Det_1")') }),
    );
    expect(graph.nodes.length).toBe(before);
    expect(graph.initializers.size).toBe(0);
  });

  it('names an operator of another domain', async () => {
    const graph = graphOf({ nodes: [['Relu', ['x'], ['y']]], inputs: { x: [2] } });
    const facts = await factsByRunning(graph, { x: pseudoRandom([2], 3) });
    graph.replaceNodes([makeNode('Relu', ['x'], ['y'], {}, { name: 'odd', domain: 'com.microsoft' })]);
    expect(findObstacles(graph, facts, 'y', ['x'])).toEqual([{ op: 'com.microsoft:Relu', node: 'odd' }]);
  });

  it('says that a score does not depend on a tensor', async () => {
    const graph = graphOf({
      nodes: [
        ['Exp', ['x'], ['a']],
        ['Floor', ['a'], ['b']],
        ['Relu', ['b'], ['y']],
      ],
      inputs: { x: [2] },
    });
    const facts = await factsByRunning(graph, { x: pseudoRandom([2], 3) });
    expect(() => differentiate({ graph, facts, seeds: seedless, wrt: ['a'] })).toThrow(
      expect.objectContaining({ code: 'ERR_NO_GRADIENT', message: expect.stringMatching(/"a" only through Floor/) }),
    );
    expect(() => differentiate({ graph, facts, seeds: seedless, wrt: ['nothing'] })).toThrow(
      expect.objectContaining({ code: 'ERR_LAYER_NOT_FOUND' }),
    );
  });

  it('refuses a convolution whose weight depends on the layer', async () => {
    const graph = graphOf({
      nodes: [
        ['Reshape', ['x', 's'], ['w']],
        ['Conv', ['i', 'w'], ['y']],
      ],
      inputs: { x: [8], i: [1, 2, 3, 3] },
      weights: { s: { dims: [4], type: 'int64', data: [1, 2, 2, 2] } },
    });
    const facts = await factsByRunning(graph, { x: pseudoRandom([8], 3), i: pseudoRandom([1, 2, 3, 3], 4) });
    expect(() => differentiate({ graph, facts, seeds: seedless, wrt: ['x'] })).toThrow(
      expect.objectContaining({ code: 'ERR_NO_GRADIENT', message: expect.stringContaining('Conv (node "Conv_1")') }),
    );
  });

  it('lets a rule set of its own decide', async () => {
    const graph = blocked();
    const facts = await factsByRunning(graph, { x: pseudoRandom([2, 2, 2], 3) });
    const rules = new Map(gradientRules).set('Det', gradientRules.get('Identity')!);
    expect(findObstacles(graph, facts, 'y', ['x'], rules)).toEqual([]);
    rules.delete('Exp');
    expect(findObstacles(graph, facts, 'y', ['x'], rules)).toEqual([{ op: 'Exp', node: 'Exp_2' }]);
  });
});
