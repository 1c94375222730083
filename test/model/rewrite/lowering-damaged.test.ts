import { describe, it } from 'vitest';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { type GraphNode, makeNode } from '../../../lib/model/graph/graph.ts';
import { lowerOperators } from '../../../lib/model/rewrite/lowering/lower.ts';
import { expectError } from '../../helpers/expect-error.ts';
import { buildModel, noise, type WeightSpec } from '../../helpers/model-builder.ts';

/** Quantised and fused operators are taken apart before the runtime has looked at a graph. */
function lower(node: GraphNode, weights: Record<string, WeightSpec> = {}, opset = 17) {
  const bytes = buildModel({
    opset: { '': opset, 'com.microsoft': 1 },
    nodes: [node],
    inputs: [{ name: 'x', dims: [1, 2, 4, 4] }],
    outputs: [{ name: node.outputs[0] ?? 'x' }],
    initializers: {
      s: { dims: [], data: Float32Array.of(0.1) },
      z: { dims: [], data: Uint8Array.of(3) },
      w: { dims: [2, 2, 1, 1], data: Int8Array.of(1, 2, 3, 4) },
      ...weights,
    },
  });
  return () => lowerOperators(parseModel(bytes));
}

const microsoft = (op: string, inputs: string[], attributes = {}) =>
  makeNode(op, inputs, ['y'], attributes, { domain: 'com.microsoft', name: 'n' });

describe('damaged operators that are taken apart', () => {
  it('are invalid without the inputs and outputs that they must have', async () => {
    const lacking: [GraphNode, string][] = [
      [makeNode('QLinearConv', ['x', 's', 'z', 'w', 's', 'z', 's'], ['y']), 'input 7'],
      [makeNode('QLinearMatMul', ['', 's', 'z', 'w', 's', 'z', 's', 'z'], ['y']), 'input 0'],
      [makeNode('ConvInteger', ['x'], ['y']), 'input 1'],
      [makeNode('DequantizeLinear', ['x'], ['y']), 'input 1'],
      [makeNode('QuantizeLinear', ['x', 's', 'z'], []), 'output'],
      [microsoft('QLinearAdd', ['x', 's', 'z', 'x', 's']), 'input 6'],
      [microsoft('QLinearConcat', ['s', 'z']), 'input 2'],
      [microsoft('QLinearSigmoid', ['x', 's']), 'input 3'],
      [microsoft('QLinearWhere', ['x']), 'input 1'],
      [microsoft('QGemm', ['x', 's', 'z']), 'input 3'],
      [microsoft('FusedConv', ['x'], { activation: 'Relu' }), 'input 1'],
      [microsoft('FastGelu', ['']), 'input 0'],
      [microsoft('Attention', ['x']), 'input 1'],
      [microsoft('SkipLayerNormalization', ['x', 'x']), 'input 2'],
    ];
    for (const [node, what] of lacking) await expectError(lower(node), 'ERR_MODEL_INVALID', node.op, what);
  });

  it('are refused with sizes that do not fit', async () => {
    const node = makeNode('QLinearConv', ['x', 's', 'z', 'w', 'sw', 'zw', 's', 'z'], ['y']);
    const parameters = {
      sw: { dims: [2], data: Float32Array.of(1, 2) },
      zw: { dims: [3], data: Int8Array.of(1, 2, 3) },
    };
    await expectError(lower(node, parameters, 12), 'ERR_MODEL_INVALID', '3 values', '2,1,1,1');
    // 8 columns are no three parts.
    const attention = microsoft('Attention', ['x', 'p'], { num_heads: 1 });
    await expectError(lower(attention, { p: noise([4, 8]) }), 'ERR_MODEL_UNSUPPORTED', '2.66', 'whole number');
  });
});
