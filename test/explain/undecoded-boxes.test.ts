import { describe, expect, it } from 'vitest';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { image, network } from '../helpers/choice-networks.ts';
import { one } from '../helpers/explain-models.ts';
import { int64, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const CELLS = [8, 4].flatMap(side =>
  Array.from({ length: side * side }, (_, i) => [i % side, Math.floor(i / side), 16 / side] as const),
);

/** YOLOX's head [N,80,4+1+3] on maps of 8×8 and 4×4 cells, as its exporter writes it without and with `decode_in_inference`. */
function yolox(decoded: boolean): Uint8Array {
  const branch = (map: string, level: number) => [
    makeNode('Conv', [map, `reg${level}`], [`box${level}`]),
    makeNode('Conv', [map, `obj${level}`], [`o${level}`]),
    makeNode('Conv', [map, `cls${level}`], [`k${level}`]),
    makeNode('Sigmoid', [`o${level}`], [`os${level}`]),
    makeNode('Sigmoid', [`k${level}`], [`ks${level}`]),
    makeNode('Concat', [`box${level}`, `os${level}`, `ks${level}`], [`all${level}`], { axis: 1 }),
    makeNode('Reshape', [`all${level}`, 'flat'], [`rows${level}`]),
  ];
  const nodes = [
    makeNode('AveragePool', ['a'], ['deep'], { kernel_shape: [2, 2], strides: [2, 2] }),
    ...branch('a', 0),
    ...branch('deep', 1),
    makeNode('Concat', ['rows0', 'rows1'], ['columns'], { axis: 2 }),
    makeNode('Transpose', ['columns'], [decoded ? 'raw' : 'y'], { perm: [0, 2, 1] }),
  ];
  if (decoded)
    nodes.push(
      makeNode('Split', ['raw', 'parts'], ['xy', 'wh', 'scores'], { axis: 2 }),
      makeNode('Add', ['xy', 'cells'], ['moved']),
      makeNode('Mul', ['moved', 'stride'], ['centre']),
      makeNode('Exp', ['wh'], ['size']),
      makeNode('Mul', ['size', 'stride'], ['scaled']),
      makeNode('Concat', ['centre', 'scaled', 'scores'], ['y'], { axis: 2 }),
    );
  const heads = [0, 1].flatMap(level => [
    [`reg${level}`, noise([4, 8, 1, 1], 11 + level)],
    [`obj${level}`, noise([1, 8, 1, 1], 13 + level)],
    [`cls${level}`, noise([3, 8, 1, 1], 15 + level)],
  ]);
  const weights = {
    ...Object.fromEntries(heads),
    flat: int64(0, 0, -1),
    parts: int64(2, 2, 4),
    cells: { dims: [1, CELLS.length, 2], data: CELLS.flatMap(([x, y]) => [x, y]) },
    stride: { dims: [1, CELLS.length, 1], data: CELLS.map(([, , stride]) => stride) },
  };
  return network(nodes, { outputs: [{ name: 'y' }], weights });
}

describe('boxes that leave convolutions as offsets from cells', () => {
  it('are those of the graph that decodes them', async () => {
    const found = [];
    for (const decoded of [false, true]) {
      const cam = await open(yolox(decoded), { detector: 'yolov5' });
      found.push(one(await cam.explain(image, { method: 'hirescam' })).target);
    }
    const [raw, decoded] = found;
    expect(raw!.index).toBe(decoded!.index);
    expect(raw!.score).toBeCloseTo(decoded!.score, 5);
    for (const [i, value] of decoded!.box!.entries()) expect(raw!.box![i]).toBeCloseTo(value, 4);
  });
});
