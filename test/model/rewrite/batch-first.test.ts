import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { type Graph, makeNode } from '../../../lib/model/graph/graph.ts';
import { withProbe } from '../../../lib/model/probe/probe-session.ts';
import { lowerOperators } from '../../../lib/model/rewrite/lowering/lower.ts';
import { expectClose } from '../../helpers/expect-close.ts';
import { expectError } from '../../helpers/expect-error.ts';
import { buildModel, noise } from '../../helpers/model-builder.ts';
import { createOrtSession } from '../../helpers/ort-session.ts';

describe('recurrent operators with the batch first', () => {
  it.each([
    ['GRU', 3, 'forward'],
    ['LSTM', 4, 'bidirectional'],
    ['RNN', 1, 'reverse'],
  ])('%s gives what the layout of the runtime gives', async (op, gates, direction) => {
    const count = direction === 'bidirectional' ? 2 : 1;
    const make = (layout: 0 | 1) => {
      const attributes = { hidden_size: 2, direction, ...(layout && { layout }) };
      const recurrent = makeNode(
        op,
        [layout ? 'x' : 't', 'w', 'r', '', '', layout ? 'h' : 'ht'],
        layout ? ['y', 'last'] : ['ty', 'tl'],
        attributes,
      );
      const around = [
        makeNode('Transpose', ['x'], ['t'], { perm: [1, 0, 2] }),
        makeNode('Transpose', ['h'], ['ht'], { perm: [1, 0, 2] }),
        recurrent,
        makeNode('Transpose', ['ty'], ['y'], { perm: [2, 0, 1, 3] }),
        makeNode('Transpose', ['tl'], ['last'], { perm: [1, 0, 2] }),
      ];
      return parseModel(
        buildModel({
          nodes: layout ? [recurrent] : around,
          inputs: [
            { name: 'x', dims: [3, 4, 5] },
            { name: 'h', dims: [3, count, 2] },
          ],
          outputs: [{ name: 'y' }, { name: 'last' }],
          initializers: { w: noise([count, gates * 2, 5], 1), r: noise([count, gates * 2, 2], 2) },
        }),
      );
    };
    const feeds = {
      x: { type: 'float32' as const, ...noise([3, 4, 5], 3) },
      h: { type: 'float32' as const, ...noise([3, count, 2], 4) },
    };
    const run = (graph: Graph) =>
      withProbe(graph, createOrtSession, undefined, session => session.run(feeds, ['y', 'last']));
    const [expected, actual] = [await run(make(0)), await run(lowerOperators(make(1)))];
    for (const name of ['y', 'last']) {
      expect(actual[name]!.dims).toEqual(expected[name]!.dims);
      expectClose(actual[name]!.data as Float32Array, expected[name]!.data as Float32Array, 1e-6);
    }
  });

  it('may leave their first output out, not all of them', async () => {
    const make = (outputs: readonly string[]) =>
      parseModel(
        buildModel({
          nodes: [makeNode('GRU', ['x', 'w', 'r'], outputs, { hidden_size: 2 }), makeNode('Relu', ['x'], ['z'])],
          inputs: [{ name: 'x', dims: [3, 4, 5] }],
          outputs: [{ name: 'z' }],
          initializers: { w: noise([1, 6, 5], 1), r: noise([1, 6, 2], 2) },
        }),
      );
    expect(lowerOperators(make(['', 'h'])).nodes.map(({ op }) => op)).toContain('GRU');
    await expectError(() => lowerOperators(make(['', ''])), 'ERR_MODEL_INVALID', 'lacks its output');
  });
});
