import { describe, expect, it } from 'vitest';
import { Graph, makeNode } from '../../lib/model/graph/graph.ts';
import { ofOneSize, openGraph, widen } from '../../lib/model/graph/open-sizes.ts';
import { makeTensorProto } from '../../lib/model/graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../../lib/model/graph/value-info.ts';

const weight = makeTensorProto('w', 'float32', [2], Float32Array.of(1, 2));

function sized(height: number, { cells = [height], kernel = 3, count = height, long = 0 } = {}): Graph {
  const initializers = new Map([
    ['w', weight],
    ['cells', makeTensorProto('cells', 'int64', [cells.length], BigInt64Array.from(cells, BigInt))],
    ['one', makeTensorProto('one', 'float32', [], Float32Array.of(1))],
  ]);
  if (long > 0)
    initializers.set('long', makeTensorProto('long', 'float32', [long], new Float32Array(long).fill(height)));
  return new Graph({
    inputs: [makeValueInfo('x', 'float32', ['batch', 3, height, 8])],
    outputs: [makeValueInfo('y', 'float32', [-1, count])],
    nodes: [
      makeNode('MaxPool', ['x'], ['p'], { kernel_shape: [kernel, 1] }),
      makeNode('Reshape', ['p', 'cells'], ['y']),
    ],
    initializers,
    opsets: new Map([['', 17]]),
    irVersion: 8n,
  });
}

describe('widen', () => {
  it('is the same object for an equal graph', () => {
    const open = ofOneSize(sized(4));
    expect(widen(open, sized(4))).toBe(open);
    expect([...openGraph(open).initializers.keys()]).toEqual(['w', 'cells', 'one']);
  });

  it('makes inputs of constants that differ, and opens sizes that differ', () => {
    const open = widen(ofOneSize(sized(4)), sized(6))!;
    const graph = openGraph(open);
    expect([...graph.initializers.keys()]).toEqual(['w', 'one']);
    expect(graph.inputs.map(describeValue)).toEqual([
      { name: 'x', type: 'float32', dims: ['batch', 3, '', 8] },
      { name: 'cells', type: 'int64', dims: [1] },
    ]);
    expect(graph.outputs.map(describeValue)).toEqual([{ name: 'y', type: 'float32', dims: ['', ''] }]);
    expect(widen(open, sized(9))).toBe(open);
    expect(widen(open, sized(4))).toBe(open);
  });

  it('opens further where a constant changes its length', () => {
    const open = widen(ofOneSize(sized(4)), sized(6))!;
    const wider = widen(open, sized(6, { cells: [2, 3] }))!;
    expect(wider).not.toBe(open);
    expect(describeValue(openGraph(wider).inputs[1]!).dims).toEqual(['']);
    expect(widen(wider, sized(8))).toBe(wider);
  });

  it('refuses other nodes, other attributes, other weights and long constants', () => {
    const open = ofOneSize(sized(4));
    expect(widen(open, sized(4, { kernel: 2 }))).toBeUndefined();
    const more = sized(4);
    more.append(makeNode('Relu', ['y'], ['z']));
    expect(widen(open, more)).toBeUndefined();
    const renamed = sized(4);
    renamed.initializers.delete('one');
    renamed.initializers.set('two', weight);
    expect(widen(open, renamed)).toBeUndefined();
    expect(widen(ofOneSize(sized(4, { long: 20_000 })), sized(6, { long: 20_000 }))).toBeUndefined();
    expect(widen(ofOneSize(sized(4, { long: 200 })), sized(6, { long: 200 }))).toBeDefined();
  });
});
