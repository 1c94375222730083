import { expect } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { type Graph, type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { dimsOf, makeTensorProto, readFloat32 } from '../../lib/model/graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { withProbe } from '../../lib/model/probe/probe-session.ts';
import { lowerOperators } from '../../lib/model/rewrite/lowering/lower.ts';
import { factsByRunning, runGraph } from '../autodiff/harness.ts';
import { expectClose } from './expect-close.ts';
import { buildModel, noise, valueInfo, type WeightSpec } from './model-builder.ts';
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
  /** Which output is compared instead of the last. */
  readonly compared?: number;
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
    compared = outputs - 1,
  } = one;
  const names = Array.from({ length: outputs }, (_, i) => (!full && i > 0 && i < outputs - 1 ? '' : `o${i}`));
  const last = names[compared]!;
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

/**
 * The gradient of Σ y·seed in x that the nodes of a case taken apart give, along a direction, against differences of the
 * runtime's own kernel: (8(f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h.
 */
export async function compareGradient(one: LoweringCase): Promise<void> {
  const graph = buildCase(one);
  const x = caseInput(one);
  const direction = noise(one.x, 21).data;
  const { dims } = await runCase(graph, x);
  const seed = noise(dims, 22).data as Float32Array<ArrayBuffer>;
  const lowered = lowerOperators(graph);
  lowered.inputs.push(valueInfo({ name: 'seed', dims }));
  const facts = await factsByRunning(lowered, { x, seed: { type: 'float32', data: seed, dims } });
  const { gradients } = differentiate({ graph: lowered, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'] });
  const name = gradients.get('x')!;
  const feeds = { x, seed: { type: 'float32', data: seed, dims } as const };
  const gradient = (await runGraph(lowered, feeds, [name]))[name]!.data as Float32Array;
  const score = async (step: number) => {
    const moved = x.data.map((value, i) => value + step * direction[i]!);
    return dot((await runCase(graph, { ...x, data: moved })).values, seed);
  };
  const h = 0.03;
  const [far, near] = [(await score(2 * h)) - (await score(-2 * h)), (await score(h)) - (await score(-h))];
  const expected = (8 * near - far) / (12 * h);
  expect(Math.abs(dot(gradient, direction) - expected)).toBeLessThan(2e-4 * Math.max(1, Math.abs(expected)));
}

/**
 * The gradient of Σ y·seed in x, along a direction, of a case taken apart whose numbers are all made float64, against differences of
 * that graph: what float32 hides of a rule shows here.
 */
export async function compareGradientInDouble(one: LoweringCase): Promise<void> {
  const graph = inDouble(lowerOperators(buildCase(one)));
  const x = toDouble(caseInput(one));
  const direction = noise(one.x, 21).data;
  const y = async (data: Float64Array) =>
    (await runGraph(graph, { x: { ...x, data: data as typeof x.data } }, ['y'])).y!;
  const { dims } = await y(x.data);
  const seed: Tensor<'float64'> = { type: 'float64', dims, data: Float64Array.from(noise(dims, 22).data) };
  const whole = graph.clone();
  whole.inputs.push(makeValueInfo('seed', 'float64', dims));
  const facts = await factsByRunning(whole, { x, seed });
  const { gradients } = differentiate({ graph: whole, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'] });
  const name = gradients.get('x')!;
  const gradient = (await runGraph(whole, { x, seed }, [name]))[name]!;
  expect(gradient.type).toBe('float64');
  const score = async (step: number) =>
    dot((await y(x.data.map((value, i) => value + step * direction[i]!))).data as Float64Array, seed.data);
  const h = 1e-3;
  const [far, near] = [(await score(2 * h)) - (await score(-2 * h)), (await score(h)) - (await score(-h))];
  const expected = (8 * near - far) / (12 * h);
  const actual = dot(gradient.data as Float64Array, direction);
  expect(Math.abs(actual - expected)).toBeLessThan(1e-8 * Math.max(1, Math.abs(expected)));
}

const toDouble = ({ dims, data }: Tensor<'float32'>): Tensor<'float64'> => ({
  type: 'float64',
  dims,
  data: Float64Array.from(data),
});

/** A graph with float64 in the place of float32: inputs, weights and casts. */
function inDouble(graph: Graph): Graph {
  const copy = graph.clone();
  for (const [name, weight] of copy.initializers)
    if (weight.dataType === FLOAT) {
      const values = Float64Array.from(readFloat32(weight));
      copy.initializers.set(name, makeTensorProto(name, 'float64', dimsOf(weight), values));
    }
  copy.inputs.splice(
    0,
    copy.inputs.length,
    ...copy.inputs.map(value => makeValueInfo(value.name, 'float64', describeValue(value).dims!)),
  );
  copy.replaceNodes(
    copy.nodes.map(node =>
      node.op === 'Cast' && node.attributes.int('to', 0) === FLOAT
        ? makeNode('Cast', node.inputs, node.outputs, { to: DOUBLE }, { name: node.name })
        : node,
    ),
  );
  return copy;
}

const FLOAT = 1;
const DOUBLE = 11;

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
