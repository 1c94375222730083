import { elementCount, type Tensor, type TensorType } from '../../lib/engine/tensor.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { writeModel } from '../../lib/model/file/write-model.ts';
import { type AttributeValue, float, floats } from '../../lib/model/graph/attributes.ts';
import type { FactTable, TensorFacts } from '../../lib/model/graph/facts.ts';
import { type Graph, type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { dimsOf, readNumbers, typeOfCode } from '../../lib/model/graph/tensor-values.ts';
import { buildModel, valueInfo, type WeightSpec } from '../helpers/model-builder.ts';
import { createOrtSession } from '../helpers/ort-session.ts';

export type Feeds = Readonly<Record<string, Tensor>>;

/** `['Conv', ['x', 'w'], ['y'], { pads: [1, 1, 1, 1] }]`; `{ float: 1 }` marks a float attribute. */
export type NodeSpec = readonly [string, readonly string[], readonly string[], Readonly<Record<string, unknown>>?];

export function makeNodes(specs: readonly NodeSpec[]): GraphNode[] {
  return specs.map(([op, inputs, outputs, attributes = {}], index) => {
    const values = Object.entries(attributes).map(([key, value]) => [key, toAttributeValue(value)]);
    return makeNode(op, inputs, outputs, Object.fromEntries(values), { name: `${op}_${index}` });
  });
}

function toAttributeValue(value: unknown): AttributeValue {
  if (typeof value === 'object' && value !== null && 'float' in value) return float(value.float as number);
  if (typeof value === 'object' && value !== null && 'floats' in value) return floats(value.floats as number[]);
  return value as AttributeValue;
}

export interface GraphSpec {
  readonly nodes: readonly NodeSpec[];
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly weights?: Readonly<Record<string, WeightSpec>>;
  readonly opset?: number;
  readonly inputType?: TensorType;
}

/** A graph that went through the file format, as one that a user loads. */
export function graphOf({ nodes, inputs, weights = {}, opset = 17, inputType = 'float32' }: GraphSpec): Graph {
  return parseModel(
    buildModel({
      nodes: makeNodes(nodes),
      inputs: Object.entries(inputs).map(([name, dims]) => ({ name, dims, type: inputType })),
      outputs: nodes.at(-1)![2].map(name => ({ name })),
      initializers: weights,
      opset,
      irVersion: opset > 20 ? 10 : 8,
    }),
  );
}

export function float32(dims: readonly number[], data: ArrayLike<number>): Tensor<'float32'> {
  return { type: 'float32', dims, data: Float32Array.from(data) };
}

export function int64(dims: readonly number[], data: readonly number[]): Tensor<'int64'> {
  return { type: 'int64', dims, data: BigInt64Array.from(data, BigInt) };
}

/** Runs a graph on ONNX Runtime and returns any of its tensors. */
export async function runGraph(
  graph: Graph,
  feeds: Feeds,
  fetches: readonly string[],
  level: 'disabled' | 'all' = 'all',
): Promise<Record<string, Tensor>> {
  const copy = graph.clone();
  copy.outputs.length = 0;
  const names = new Map<string, string>();
  for (const [index, fetch] of [...new Set(fetches)].entries()) {
    const name = `fetched_${index}`;
    copy.append(makeNode('Identity', [fetch], [name]));
    copy.outputs.push({ ...valueInfo({ name }), type: undefined });
    names.set(fetch, name);
  }
  const session = await createOrtSession(writeModel(copy), { graphOptimizationLevel: level });
  try {
    const used = Object.entries(feeds).filter(([name]) => copy.inputs.some(input => input.name === name));
    const outputs = await session.run(Object.fromEntries(used), [...names.values()]);
    return Object.fromEntries([...names].map(([fetch, name]) => [fetch, outputs[name]!]));
  } finally {
    await session.dispose();
  }
}

/** Facts of every tensor from one run per set of feeds; sizes that differ between two runs are dynamic. */
export async function factsByRunning(graph: Graph, ...runs: readonly Feeds[]): Promise<FactTable> {
  const facts = new Map<string, TensorFacts>();
  for (const [name, weight] of graph.initializers) {
    const type = typeOfCode(weight.dataType)!;
    const whole = type.startsWith('int') || type === 'bool';
    facts.set(name, { type, dims: dimsOf(weight), ...(whole ? { values: readNumbers(weight) } : {}) });
  }
  const tensors = graph.nodes.flatMap(node => node.outputs).filter(name => name !== '');
  for (const feeds of runs) {
    const outputs = await runGraph(graph, feeds, tensors, 'disabled');
    for (const [name, tensor] of Object.entries({ ...feeds, ...outputs }))
      facts.set(name, merge(facts.get(name), tensor));
  }
  return facts;
}

function merge(known: TensorFacts | undefined, { type, dims, data }: Tensor): TensorFacts {
  const whole = data instanceof BigInt64Array || data instanceof Int32Array || type === 'bool';
  const values = whole ? Array.from(data as ArrayLike<number | bigint>, Number) : undefined;
  if (!known) return { type, dims, ...(values ? { values } : {}) };
  const merged = dims.map((size, axis) => (size === known.dims[axis] ? size : -1));
  const constant = values !== undefined && known.values?.length === values.length;
  const same = constant && values.every((value, index) => value === known.values![index]);
  return { type, dims: merged, ...(same ? { values } : {}) };
}

/** Largest difference over largest expected magnitude. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let scale = 0;
  for (let index = 0; index < expected.length; index++) {
    // A NaN must not pass as a small difference.
    const gap = Math.abs(actual[index]! - expected[index]!);
    difference = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(difference, gap);
    scale = Math.max(scale, Math.abs(expected[index]!));
  }
  return difference / (scale || 1);
}

/** Numbers that look random (roughly normal), the same in every run. */
export function pseudoRandom(dims: readonly number[], seed: number): Tensor<'float32'> {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const values = Array.from({ length: elementCount(dims) }, () => next() + next() + next() + next() - 2);
  return float32(dims, values);
}
