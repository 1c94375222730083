import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { appendClassSeed } from '../../lib/autodiff/seed.ts';
import type { FactTable } from '../../lib/model/graph/facts.ts';
import type { Graph } from '../../lib/model/graph/graph.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { noise, int64 as weights } from '../helpers/model-builder.ts';
import {
  type Feeds,
  factsByRunning,
  graphOf,
  type NodeSpec,
  pseudoRandom,
  relativeError,
  runGraph,
} from './harness.ts';

const CLASSES = 6;

/** Heads in the forms in which exporters write a classifier of [N, 4] features; the last needs one-hot rows. */
const HEADS: Readonly<Record<string, readonly NodeSpec[]>> = {
  'Gemm, weight [classes, features]': [['Gemm', ['f', 'w', 'b'], ['logits'], { transB: 1 }]],
  'Gemm, weight [features, classes]': [['Gemm', ['f', 'v', 'b'], ['logits'], { alpha: { float: 0.5 } }]],
  'MatMul and bias': [
    ['MatMul', ['f', 'v'], ['m']],
    ['Add', ['m', 'b'], ['logits']],
  ],
  '1×1 convolution': [
    ['Unsqueeze', ['f', 'tail'], ['u']],
    ['Conv', ['u', 'k', 'b'], ['c']],
    ['Flatten', ['c'], ['logits']],
  ],
  'scaled logits': [
    ['MatMul', ['f', 'v'], ['m']],
    ['Mul', ['m', 'b'], ['logits']],
  ],
};

function network(head: readonly NodeSpec[], opset: number, batch: number | string): Graph {
  const unsqueeze: NodeSpec[] = head.map(node =>
    node[0] === 'Unsqueeze' && opset < 13 ? ['Unsqueeze', ['f'], ['u'], { axes: [2, 3] }] : node,
  );
  return graphOf({
    nodes: [['Tanh', ['x'], ['t']], ['GlobalAveragePool', ['t'], ['p']], ['Flatten', ['p'], ['f']], ...unsqueeze],
    inputs: { x: [batch, 4, 3, 3] },
    weights: {
      w: noise([CLASSES, 4], 1),
      v: noise([4, CLASSES], 2),
      b: noise([CLASSES], 3),
      k: noise([CLASSES, 4, 1, 1], 4),
      tail: weights(2, 3),
    },
    opset,
  });
}

const image = (batch: number) => ({ x: pseudoRandom([batch, 4, 3, 3], 11) });

/** Gradient of chosen logits by dense one-hot seeds, image after image. */
async function denseGradients(graph: Graph, facts: FactTable, x: Feeds, classes: readonly number[]): Promise<number[]> {
  const dense = graph.clone();
  const [rows] = x.x!.dims as [number];
  dense.inputs.push(makeValueInfo('onehot', 'float32', [rows, CLASSES]));
  const { gradients } = differentiate({ graph: dense, facts, seeds: { logits: { gradient: 'onehot' } }, wrt: ['x'] });
  const output = gradients.get('x')!;
  const rowsOf = classes.map((wanted, row) => ({ wanted, image: rows === 1 ? 0 : row }));
  const size = 36;
  const all: number[] = [];
  for (const { wanted, image: place } of rowsOf) {
    const onehot = new Float32Array(rows * CLASSES);
    onehot[place * CLASSES + wanted] = 1;
    const seed = { type: 'float32' as const, dims: [rows, CLASSES], data: onehot };
    const result = await runGraph(dense, { ...x, onehot: seed }, [output]);
    all.push(...(result[output]!.data as Float32Array).slice(place * size, (place + 1) * size));
  }
  return all;
}

describe.each(Object.entries(HEADS))('class seeds: %s', (name, head) => {
  it.each([8, 9, 11, 13, 17, 20])('opset %i', async opset => {
    const graph = network(head, opset, 3);
    const facts = await factsByRunning(graph, image(3));
    const indexed = graph.clone();
    const seed = appendClassSeed(indexed, facts, 'logits');
    const before = indexed.nodes.length;
    const { gradients } = differentiate({
      graph: indexed,
      facts: seed.facts,
      seeds: { logits: { index: seed.index } },
      wrt: ['x'],
    });
    const operators = indexed.nodes.slice(before).map(node => node.op);
    expect(operators.includes('Gather')).toBe(name !== 'scaled logits');
    const output = gradients.get('x')!;

    const logits = (await runGraph(graph, image(3), ['logits'])).logits!.data as Float32Array;
    const order = [0, 1, 2].map(row => {
      const scores = Array.from(logits.slice(row * CLASSES, (row + 1) * CLASSES));
      return scores.map((_, index) => index).sort((a, b) => scores[b]! - scores[a]!);
    });
    const wanted = [-1, 4, -3];
    const classes = [order[0]![0]!, 4, order[2]![2]!];
    const results = await runGraph(indexed, { ...image(3), ...seed.feeds(wanted) }, [output, seed.index]);
    expect(Array.from(results[seed.index]!.data as BigInt64Array, Number)).toEqual(classes);
    const expected = await denseGradients(graph, facts, image(3), classes);
    expect(relativeError(results[output]!.data as Float32Array, expected)).toBeLessThan(1e-6);
  });

  it.each([1, 'batch'] as const)('several classes of one image, batch %s', async batch => {
    const graph = network(head, 17, batch);
    const facts = await factsByRunning(graph, ...(batch === 1 ? [image(1)] : [image(2), image(3)]));
    const many = graph.clone();
    const seed = appendClassSeed(many, facts, 'logits', { manyScores: true });
    const { gradients } = differentiate({
      graph: many,
      facts: seed.facts,
      seeds: { logits: { index: seed.index } },
      wrt: ['x', 't'],
      manyScores: true,
    });
    const output = gradients.get('x')!;
    const results = await runGraph(many, { ...image(1), ...seed.feeds([2, -1, 0, -2]) }, [output, seed.index]);
    expect(results[output]!.dims).toEqual([4, 4, 3, 3]);
    const classes = Array.from(results[seed.index]!.data as BigInt64Array, Number);
    expect([classes[0], classes[2]]).toEqual([2, 0]);
    const expected = await denseGradients(
      network(head, 17, 1),
      await factsByRunning(network(head, 17, 1), image(1)),
      image(1),
      classes,
    );
    expect(relativeError(results[output]!.data as Float32Array, expected)).toBeLessThan(1e-6);
  });
});

it('refuses scores that are not one row of classes per image', async () => {
  const graph = network(HEADS['MatMul and bias']!, 17, 2);
  const facts = await factsByRunning(graph, image(2));
  expect(() => appendClassSeed(graph, facts, 't')).toThrow(expect.objectContaining({ code: 'ERR_MODEL_UNSUPPORTED' }));
});

/** Networks whose rules depend on the batch in some way. */
const BATCH_SENSITIVE: Readonly<Record<string, readonly NodeSpec[]>> = {
  'overlapping MaxPool': [['MaxPool', ['t'], ['q'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }]],
  'tiled MaxPool': [['MaxPool', ['t'], ['q'], { kernel_shape: [2, 2], strides: [2, 2] }]],
  'stride one MaxPool': [['MaxPool', ['t'], ['q'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }]],
  'overlapping AveragePool': [
    ['AveragePool', ['t'], ['q'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  ],
  'strided convolution': [['Conv', ['t', 'k2'], ['q'], { strides: [2, 2], pads: [1, 1, 1, 1] }]],
  'depthwise convolution with stride': [
    ['Conv', ['t', 'kd'], ['q'], { strides: [2, 2], pads: [1, 1, 1, 1], group: 2 }],
  ],
  'channel shuffle': [
    ['Reshape', ['t', 's1'], ['a']],
    ['Transpose', ['a'], ['b'], { perm: [0, 2, 1, 3, 4] }],
    ['Reshape', ['b', 's2'], ['c']],
    ['Split', ['c', 'halves'], ['d', 'e'], { axis: 1 }],
    ['Mul', ['d', 'e'], ['q']],
  ],
  'squeeze and excitation': [
    ['ReduceMean', ['t'], ['m'], { axes: [2, 3], keepdims: 1 }],
    ['Sigmoid', ['m'], ['s']],
    ['Mul', ['t', 's'], ['q']],
  ],
  'Max of two branches': [
    ['Relu', ['t'], ['r']],
    ['Max', ['t', 'r'], ['u']],
    ['LayerNormalization', ['u', 'scale'], ['q'], { axis: -1 }],
  ],
};

describe.each(Object.entries(BATCH_SENSITIVE))('several scores of one image: %s', (_, body) => {
  const build = (batch: number | string) =>
    graphOf({
      nodes: [
        ['Sin', ['x'], ['t']],
        ...body,
        ['GlobalAveragePool', ['q'], ['p']],
        ['Flatten', ['p'], ['f']],
        ['Mul', ['f', 'f'], ['logits']],
      ],
      inputs: { x: [batch, 2, 6, 6] },
      weights: {
        k2: noise([3, 2, 3, 3], 1),
        kd: noise([2, 1, 3, 3], 2),
        s1: weights(batch === 1 ? 1 : -1, 2, 1, 6, 6),
        s2: weights(batch === 1 ? 1 : -1, 2, 6, 6),
        halves: weights(1, 1),
        scale: noise([6], 3),
      },
    });

  it.each([1, 'batch'] as const)('batch %s', async batch => {
    const graph = build(batch);
    const feeds = (rows: number) => ({ x: pseudoRandom([rows, 2, 6, 6], 21) });
    const facts = await factsByRunning(graph, ...(batch === 1 ? [feeds(1)] : [feeds(2), feeds(3)]));
    const rows = 3;
    const classes = facts.get('logits')!.dims[1]!;
    const seed = pseudoRandom([rows, classes], 5);
    const many = graph.clone();
    many.inputs.push(makeValueInfo('seed', 'float32', ['scores', classes]));
    const seedFacts = new Map(facts).set('seed', { type: 'float32', dims: [-1, classes] });
    const seeds = { logits: { gradient: 'seed' } };
    const found = differentiate({ graph: many, facts: seedFacts, seeds, wrt: ['x'], manyScores: true });
    const output = found.gradients.get('x')!;
    const together = (await runGraph(many, { ...feeds(1), seed }, [output]))[output]!;
    expect(together.dims).toEqual([rows, 2, 6, 6]);

    const single = build(1);
    const singleFacts = await factsByRunning(single, feeds(1));
    single.inputs.push(makeValueInfo('seed', 'float32', [1, classes]));
    const one = differentiate({ graph: single, facts: singleFacts, seeds, wrt: ['x'] }).gradients.get('x')!;
    for (let row = 0; row < rows; row++) {
      const own = {
        type: 'float32' as const,
        dims: [1, classes],
        data: seed.data.slice(row * classes, (row + 1) * classes),
      };
      const expected = (await runGraph(single, { ...feeds(1), seed: own }, [one]))[one]!.data as Float32Array;
      const actual = (together.data as Float32Array).slice(row * 72, (row + 1) * 72);
      expect(relativeError(actual, expected)).toBeLessThan(1e-6);
    }
  });
});
