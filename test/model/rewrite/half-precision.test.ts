import { describe, expect, it } from 'vitest';
import { Session } from '../../../lib/engine/session.ts';
import { float32Tensor, type Tensor } from '../../../lib/engine/tensor.ts';
import { serializeModel } from '../../../lib/model/file/serialize-model.ts';
import { type GraphNode, makeNode } from '../../../lib/model/graph/graph.ts';
import { halfToNumber, numberToHalf, readTensor } from '../../../lib/model/graph/tensor-values.ts';
import { loadModel } from '../../../lib/model/load-model.ts';
import { buildModel, noise, type WeightSpec } from '../../helpers/model-builder.ts';

const DIMS = [1, 3, 12, 12];

/** Nodes from "x" [N, 3, 12, 12] to "y"; a small classifier is put behind. */
const build = (nodes: readonly GraphNode[], weights: Record<string, WeightSpec> = {}, opset = 17) =>
  buildModel({
    nodes: [
      ...nodes,
      makeNode('GlobalAveragePool', ['f'], ['p']),
      makeNode('Flatten', ['p'], ['v'], { axis: 1 }),
      makeNode('Gemm', ['v', 'g'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', ...DIMS.slice(1)] }],
    outputs: [{ name: 'y', dims: ['N', 4] }],
    initializers: { w: noise([5, 3, 3, 3], 1, 0.5), g: noise([4, 5], 2, 3), ...weights },
    opset,
  });

const conv = makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] });
const createSession = (bytes: Uint8Array, options = {}) => Session.create(bytes, { intraOpNumThreads: 1, ...options });

async function both(bytes: Uint8Array) {
  const full = await loadModel(bytes, { createSession });
  const half = await loadModel(bytes, { createSession, half: true });
  const run = async ({ graph }: typeof full, data: Float32Array) => {
    const { model, externalFiles } = serializeModel(graph);
    const session = await createSession(model, { externalFiles });
    const { y } = await session.run({ x: float32Tensor(data, DIMS) }, ['y']);
    await session.dispose();
    return y as Tensor<'float32'>;
  };
  return { full, half, run };
}

/** Outputs of both, relative to the largest. */
async function error(bytes: Uint8Array, scale = 1): Promise<number> {
  const { full, half, run } = await both(bytes);
  const { data } = noise(DIMS, 3, scale);
  const [expected, actual] = [await run(full, data), await run(half, data)];
  expect(actual.type).toBe('float32');
  const largest = Math.max(...expected.data.map(Math.abs));
  expect(largest).toBeGreaterThan(0);
  return Math.max(...expected.data.map((value, i) => Math.abs(value - actual.data[i]!))) / largest;
}

describe('toHalfPrecision', () => {
  it('computes in half precision behind float32 inputs and outputs', async () => {
    const { full, half } = await both(build([conv, makeNode('Relu', ['c'], ['f'])]));
    expect(half.half).toBe(true);
    expect(full.half).toBe(false);
    expect(half.facts.get('f')!.type).toBe('float16');
    expect(half.facts.get('x')!.type).toBe('float32');
    expect(half.facts.get('y')!.type).toBe('float32');
    expect(readTensor(half.graph.initializers.get('w')!).type).toBe('float16');
    expect(half.layers.map(({ name }) => name)).toEqual(full.layers.map(({ name }) => name));
    // The model that was given is left alone.
    expect(readTensor(full.graph.initializers.get('w')!).type).toBe('float32');
  });

  it.each<[string, GraphNode[], Record<string, WeightSpec>]>([
    ['plain operators', [conv, makeNode('Relu', ['c'], ['f'])], {}],
    [
      'operators that stay in float32',
      [
        conv,
        makeNode('Max', ['c', 'low'], ['m']),
        makeNode('Resize', ['m', '', 'scales'], ['s'], { mode: 'linear' }),
        makeNode('Min', ['s', 'high'], ['f']),
      ],
      {
        low: { dims: [], data: Float32Array.of(-0.25) },
        high: { dims: [], data: Float32Array.of(0.5) },
        scales: { dims: [4], data: Float32Array.of(1, 1, 2, 2) },
      },
    ],
    [
      'a weight read in both precisions',
      [conv, makeNode('Max', ['c', 'shared'], ['m']), makeNode('Mul', ['m', 'shared'], ['f'])],
      { shared: { dims: [1], data: Float32Array.of(0.3) } },
    ],
    [
      'statistics of layer normalisation, which are float32',
      [
        conv,
        makeNode('LayerNormalization', ['c', 'one'], ['n', 'mean'], { axis: -1 }),
        makeNode('Add', ['n', 'mean'], ['f']),
      ],
      { one: { dims: [12], data: new Float32Array(12).fill(1.5) } },
    ],
    [
      'casts and shapes',
      [
        conv,
        makeNode('Shape', ['c'], ['shape']),
        makeNode('Cast', ['shape'], ['sizes'], { to: 1 }),
        makeNode('ReduceMax', ['sizes'], ['largest'], { keepdims: 0 }),
        makeNode('Div', ['c', 'largest'], ['f']),
      ],
      {},
    ],
  ])('%s', async (_, nodes, weights) => {
    expect(await error(build(nodes, weights))).toBeLessThan(4e-3);
  });

  it('keeps weights finite that halves cannot hold, and infinities infinite', async () => {
    const data = Float32Array.of(-3e38, 1e-9, 65519, 0.1, -Infinity);
    const nodes = [conv, makeNode('Max', ['c', 'low'], ['m']), makeNode('Mul', ['m', 'k'], ['f'])];
    const weights = { k: { dims: [1, 5, 1, 1], data }, low: { dims: [], data: Float32Array.of(0) } };
    const { half } = await both(build(nodes, weights));
    const halves = readTensor(half.graph.initializers.get('k')!).data as Uint16Array;
    expect([...halves].map(halfToNumber)).toEqual([-65504, 0, 65504, halfToNumber(numberToHalf(0.1)), -Infinity]);
  });

  it('rounds weights as IEEE 754 says', async () => {
    const values = noise([5, 3, 3, 3], 9, 2).data;
    const { half } = await both(
      build([conv, makeNode('Relu', ['c'], ['f'])], { w: { dims: [5, 3, 3, 3], data: values } }),
    );
    const halves = readTensor(half.graph.initializers.get('w')!).data as Uint16Array;
    expect([...halves]).toEqual([...values].map(numberToHalf));
  });
});
