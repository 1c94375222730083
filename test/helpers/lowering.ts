import { expect } from 'vitest';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { type Graph, type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { withProbe } from '../../lib/model/probe/probe-session.ts';
import { lowerOperators } from '../../lib/model/rewrite/lowering/lower.ts';
import { expectClose } from './expect-close.ts';
import { buildModel, noise, type WeightSpec } from './model-builder.ts';
import { createOrtSession } from './ort-session.ts';

type Attributes = Parameters<typeof makeNode>[3];

/** An operator of ONNX Runtime's own on x (and weights), which the runtime itself has kernels for. */
export interface LoweringCase {
  readonly op: string;
  readonly x: readonly number[];
  readonly inputs: readonly string[];
  readonly weights?: Readonly<Record<string, WeightSpec>>;
  readonly attributes?: Attributes;
  readonly domain?: string;
  /** Number of outputs; the last one is compared, the first one is made besides. */
  readonly outputs?: number;
  /** All outputs are made. */
  readonly full?: boolean;
  readonly before?: readonly GraphNode[];
  readonly opset?: number;
}

/** @param dequantized parameters of a DequantizeLinear behind the operator */
export function buildCase(one: LoweringCase, dequantized?: readonly [scale: string, zero: string]): Graph {
  const {
    op,
    x,
    inputs,
    weights,
    attributes,
    domain = 'com.microsoft',
    outputs = 1,
    before = [],
    opset = 17,
    full = false,
  } = one;
  const names = Array.from({ length: outputs }, (_, i) => (!full && i > 0 && i < outputs - 1 ? '' : `o${i}`));
  const last = names.at(-1)!;
  const after = dequantized
    ? makeNode('DequantizeLinear', [last, ...dequantized], ['y'])
    : makeNode('Identity', [last], ['y']);
  return parseModel(
    buildModel({
      opset: { '': opset, 'com.microsoft': 1 },
      irVersion: opset > 20 ? 10 : 8,
      nodes: [...before, makeNode(op, inputs, names, attributes, { domain, name: 'it' }), after],
      inputs: [{ name: 'x', dims: x }],
      outputs: [{ name: 'y' }],
      initializers: weights,
    }),
  );
}

export async function runCase(graph: Graph, x: Tensor): Promise<{ values: Float32Array; dims: readonly number[] }> {
  return withProbe(graph, createOrtSession, undefined, async session => {
    const { y } = await session.run({ x }, ['y']);
    return { values: y!.data as Float32Array, dims: y!.dims };
  });
}

/** What a case's x is. */
export const caseInput = ({ x }: LoweringCase): Tensor<'float32'> => ({
  type: 'float32',
  data: noise(x, 9).data as Float32Array<ArrayBuffer>,
  dims: x,
});

/** Runs a case as it is and taken apart. */
export async function compareWithRuntime(
  one: LoweringCase,
  tolerance: number,
  dequantized?: readonly [scale: string, zero: string],
): Promise<Graph> {
  const graph = buildCase(one, dequantized);
  const lowered = lowerOperators(graph);
  const x = caseInput(one);
  const [theirs, ours] = [await runCase(graph, x), await runCase(lowered, x)];
  expect(ours.dims).toEqual(theirs.dims);
  expectClose(ours.values, theirs.values, tolerance);
  return lowered;
}
