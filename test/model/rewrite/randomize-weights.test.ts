import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import type { FactTable } from '../../../lib/model/graph/facts.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { readTensor } from '../../../lib/model/graph/tensor-values.ts';
import { drawUnit, weightUnits, withWeights } from '../../../lib/model/rewrite/randomize-weights.ts';
import { buildModel, type WeightSpec } from '../../helpers/model-builder.ts';

const weight = (...dims: number[]): WeightSpec => ({
  dims,
  data: new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(7),
});

/** Conv with a bias → BatchNormalization → pooled → MatMul with an Add behind it → Gemm of a transposed weight through a Cast. */
const graph = parseModel(
  buildModel({
    inputs: [{ name: 'x', type: 'float32', dims: ['N', 3, 8, 8] }],
    outputs: [{ name: 'y' }],
    nodes: [
      makeNode('Conv', ['x', 'conv.w', 'conv.b'], ['c'], { kernel_shape: [3, 3] }, { name: 'conv' }),
      makeNode('BatchNormalization', ['c', 'scale', 'shift', 'mean', 'var'], ['n'], {}, { name: 'norm' }),
      makeNode('ReduceMean', ['n'], ['p'], { axes: [2, 3], keepdims: 0 }),
      makeNode('MatMul', ['p', 'fc.w'], ['m'], {}, { name: 'fc' }),
      makeNode('Add', ['m', 'fc.b'], ['a']),
      makeNode('Cast', ['half'], ['whole'], { to: 1 }),
      makeNode('Gemm', ['a', 'whole', 'head.b'], ['y'], { transB: 1 }, { name: 'head' }),
    ],
    initializers: {
      'conv.w': weight(4, 3, 3, 3),
      'conv.b': weight(4),
      scale: weight(4),
      shift: weight(4),
      mean: weight(4),
      var: weight(4),
      'fc.w': weight(4, 5),
      'fc.b': weight(5),
      half: { dims: [2, 5], data: new Uint16Array(10).fill(0x4700), type: 'float16' },
      'head.b': weight(2),
    },
  }),
);
const dims: Record<string, number[]> = { 'conv.w': [4, 3, 3, 3], 'fc.w': [4, 5], whole: [2, 5] };
const facts: FactTable = new Map(
  [...graph.initializers.keys(), 'whole'].map(name => [name, { type: 'float32', dims: dims[name] ?? [4] } as const]),
);

describe('units of weights', () => {
  it('are layers in the order of the network, with biases and through casts', () => {
    expect(
      weightUnits({ graph, facts }).map(({ name, weights }) => [name, weights.map(({ tensor }) => tensor)]),
    ).toEqual([
      ['conv', ['conv.w', 'conv.b']],
      ['norm', ['scale', 'shift', 'mean', 'var']],
      ['fc', ['fc.w', 'fc.b']],
      ['head', ['half', 'head.b']],
    ]);
  });

  it('are drawn within 1/√fan_in, normalisations are 1 and 0', async () => {
    const units = weightUnits({ graph, facts });
    const largest = async (place: number, tensor: string) => {
      const { data } = readTensor((await drawUnit(graph, units[place]!, place, 0)).get(tensor)!);
      return Math.max(...Array.from(data as Float32Array, Math.abs));
    };
    for (const [place, tensor, fanIn] of [
      [0, 'conv.w', 27],
      [0, 'conv.b', 27],
      [2, 'fc.w', 4],
      [3, 'head.b', 5],
    ] as const) {
      expect(await largest(place, tensor)).toBeLessThanOrEqual(1 / Math.sqrt(fanIn));
      expect(await largest(place, tensor)).toBeGreaterThan(0.02 / Math.sqrt(fanIn));
    }
    const norm = await drawUnit(graph, units[1]!, 1, 0);
    const values = ['scale', 'shift', 'mean', 'var'].map(name => readTensor(norm.get(name)!).data[0]);
    expect(values).toEqual([1, 0, 0, 1]);
    // Halves of the file stay halves.
    expect(readTensor((await drawUnit(graph, units[3]!, 3, 0)).get('half')!).type).toBe('float16');
  });

  it('keep their draws whatever else is drawn, and have others for another seed', async () => {
    const [unit] = weightUnits({ graph, facts });
    const bytes = async (place: number, seed: number) =>
      (await drawUnit(graph, unit!, place, seed)).get('conv.w')!.rawData;
    expect(await bytes(0, 1)).toEqual(await bytes(0, 1));
    expect(await bytes(0, 1)).not.toEqual(await bytes(0, 2));
    expect(await bytes(0, 1)).not.toEqual(await bytes(1, 1));
  });

  it('replace weights of a copy, whose known values are forgotten', async () => {
    const [unit] = weightUnits({ graph, facts });
    const known: FactTable = new Map([['conv.b', { type: 'float32', dims: [4], values: [7, 7, 7, 7] }]]);
    const changed = withWeights({ graph, facts: known }, await drawUnit(graph, unit!, 0, 0));
    expect(readTensor(changed.graph.initializers.get('conv.b')!).data[0]).not.toBe(7);
    expect(readTensor(graph.initializers.get('conv.b')!).data[0]).toBe(7);
    expect(changed.facts.get('conv.b')).toEqual({ type: 'float32', dims: [4] });
  });

  it('are refused where they are quantised', () => {
    const quantised = graph.clone();
    quantised.append(makeNode('DequantizeLinear', ['conv.w', 'scale', 'shift'], ['q'], {}, { name: 'deq' }));
    expect(() => weightUnits({ graph: quantised, facts })).toThrow(/quantised weights/);
  });
});
