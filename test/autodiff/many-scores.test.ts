import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { valueInfo } from '../helpers/model-builder.ts';
import {
  factsByRunning,
  float32,
  graphOf,
  int64,
  type NodeSpec,
  pseudoRandom,
  relativeError,
  runGraph,
} from './harness.ts';

const recurrent = (op: string, gates: number, output: readonly string[], tail: readonly NodeSpec[]) => ({
  dims: [4, 3],
  nodes: [
    ['Transpose', ['x'], ['t'], { perm: [1, 0, 2] }],
    [op, ['t', 'w', 'r', 'b'], output, { hidden_size: 2 }],
    ...tail,
  ] as NodeSpec[],
  weights: {
    w: pseudoRandom([1, gates * 2, 3], 1),
    r: pseudoRandom([1, gates * 2, 2], 2),
    b: pseudoRandom([1, gates * 4], 3),
    zero: int64([1], [0]),
    one: int64([1], [1]),
    two: int64([1], [2]),
    grid: float32([1, 2, 2, 2], [0.1, -0.3, 0.4, 0.2, -0.6, 0.3, 0.25, 0.7]),
  },
});

const lastState: NodeSpec[] = [['Squeeze', ['h', 'zero'], ['y']]];
const allSteps: NodeSpec[] = [
  ['Squeeze', ['s', 'one'], ['steps']],
  ['ReduceMean', ['steps'], ['y'], { axes: [0], keepdims: 0 }],
];
const plain = recurrent('RNN', 1, ['s'], []).weights;
const networks: [string, { dims: number[]; nodes: NodeSpec[]; weights: typeof plain }][] = [
  ['LSTM, last state', recurrent('LSTM', 4, ['', 'h'], lastState)],
  ['LSTM, all steps', recurrent('LSTM', 4, ['s'], allSteps)],
  ['GRU, last state', recurrent('GRU', 3, ['', 'h'], lastState)],
  [
    'TopK',
    {
      dims: [5],
      weights: plain,
      nodes: [
        ['TopK', ['x', 'two'], ['t', 'i']],
        ['Mul', ['t', 't'], ['y']],
      ],
    },
  ],
  [
    'GridSample',
    {
      dims: [2, 3, 4],
      weights: plain,
      nodes: [
        ['GridSample', ['x', 'grid'], ['g']],
        ['ReduceMean', ['g'], ['y'], { axes: [2, 3], keepdims: 0 }],
      ],
    },
  ],
];

/** A grid has the batch of its picture; a time axis in front of the batch needs a batch that is seen to be one. */
const FORMS: Readonly<Record<string, readonly string[]>> = { GridSample: ['fixed'], 'LSTM, all steps': ['dynamic'] };

describe.each(networks)('several scores of one image through %s', (name, { dims, nodes, weights }) => {
  it.each(FORMS[name] ?? ['fixed', 'dynamic'])('give what one after the other gives (%s batch)', async batch => {
    const image = pseudoRandom([1, ...dims], 7);
    const make = () => graphOf({ nodes, weights, inputs: { x: [batch === 'fixed' ? 1 : 'N', ...dims] } });
    const seed = pseudoRandom([3, 2], 9);
    const other = pseudoRandom([2, ...dims], 8);
    const sizes = batch === 'fixed' ? [{ x: image }] : [{ x: other }, { x: pseudoRandom([3, ...dims], 5) }];

    const graph = make();
    const facts = await factsByRunning(graph, ...sizes);
    graph.inputs.push(valueInfo({ name: 'seed', dims: ['K', 2] }));
    const seeds = { y: { gradient: 'seed' } };
    const result = differentiate({ graph, facts, seeds, wrt: ['x'], manyScores: true }).gradients.get('x')!;
    const together = (await runGraph(graph, { x: image, seed }, [result]))[result]!;
    expect(together.dims).toEqual([3, ...dims]);

    const single = make();
    single.inputs.push(valueInfo({ name: 'seed', dims: [batch === 'fixed' ? 1 : 'N', 2] }));
    const own = differentiate({ graph: single, facts, seeds, wrt: ['x'] }).gradients.get('x')!;
    const rows: number[] = [];
    for (let k = 0; k < 3; k++) {
      const row = float32([1, 2], seed.data.slice(2 * k, 2 * k + 2));
      rows.push(...((await runGraph(single, { x: image, seed: row }, [own]))[own]!.data as Float32Array));
    }
    expect(relativeError(together.data as Float32Array, rows)).toBeLessThan(1e-5);
  });
});
