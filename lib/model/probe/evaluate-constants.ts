import { toInt64s } from '../../common/sizes.ts';
import { elementCount, type Tensor } from '../../engine/tensor.ts';
import { isShapeOnly, neededNodes } from '../graph/data-flow.ts';
import { type Graph, type GraphNode, makeNode } from '../graph/graph.ts';
import { dependenciesOf } from '../graph/subgraphs.ts';
import { makeValueInfo } from '../graph/value-info.ts';
import { type InferredType, shapeOf } from './infer-shapes.ts';
import { isFloat, isSmall } from './kept-values.ts';
import { partOf } from './part-of.ts';
import { type CreateSession, withProbe } from './probe-session.ts';
import type { ProbingInputs } from './probing-feeds.ts';

export interface Known {
  /** Of everything that nodes make, sequences and strings left out. */
  readonly types: Map<string, InferredType>;
  /** Of tensors that do not depend on the input. */
  readonly values: Map<string, Tensor>;
}

/** Other values in every run. */
const RANDOM: ReadonlySet<string> = new Set(['Bernoulli', 'Multinomial', 'RandomNormal', 'RandomUniform']);

interface EvaluateOptions extends ProbingInputs, Known {
  readonly batch: number;
  readonly earlier?: Known;
  /** What inference leaves open with everything before it known; of other floating-point tensors it may yet tell the sizes. */
  readonly stuck?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Computes what follows from weights and known sizes, and is small or decides sizes, in one run of its own; `types` and `values`
 * get what it learns.
 * @throws what the runtime says of arithmetic that fails
 */
export async function evaluateConstants(
  graph: Graph,
  createSession: CreateSession,
  options: EvaluateOptions,
): Promise<void> {
  const { types, values, stuck, signal } = options;
  const wanted = [...takeOver(graph, options)].filter(name => {
    const { type, dims } = types.get(name) ?? {};
    if (!type || values.has(name)) return false;
    return dims ? isSmall(type, dims) : !isFloat(type) || stuck?.includes(name);
  });
  if (wanted.length > 0) {
    const part = partOf(graph, neededNodes(graph, wanted, new Set(values.keys())), values);
    const outputs = wanted.map((_, index) => `onnx_cam/constant/${index}`);
    wanted.forEach((name, index) => {
      part.append(makeNode('Identity', [name], [outputs[index]!]));
      part.outputs.push(makeValueInfo(outputs[index]!));
    });
    const found = await withProbe(part, createSession, signal, session => session.run({}, outputs, { signal }));
    wanted.forEach((name, index) => {
      values.set(name, found[outputs[index]!]!);
    });
  }
  for (const [name, { type, dims }] of values) types.set(name, { type, dims });
}

/**
 * Adds the shapes of tensors whose sizes are known, and from the earlier batch what has the same inputs there.
 * @returns what can be computed besides
 */
function takeOver(graph: Graph, { batch, earlier, types, values, ...options }: EvaluateOptions): Set<string> {
  const computable = new Set<string>();
  const same = new Set(graph.initializers.keys());
  const isThere = (name: string) => graph.initializers.has(name) || values.has(name) || computable.has(name);
  for (const node of graph.nodes) {
    const [output] = node.outputs as [string];
    const dims = isShapeOnly(node) ? shapeOf(graph, options, batch, types, node.inputs[0]!) : undefined;
    if (dims) {
      const shape = evaluateShape(node, dims);
      const before = earlier?.values.get(output);
      if (before && isEqual(shape, before)) same.add(output);
      values.set(output, shape);
      continue;
    }
    const inputs = dependenciesOf(node);
    if ((!node.domain && RANDOM.has(node.op)) || !inputs.every(isThere)) continue;
    const unchanged = inputs.every(name => same.has(name));
    for (const name of node.outputs) {
      if (name) computable.add(name);
      if (unchanged) same.add(name);
      const value = unchanged ? earlier?.values.get(name) : undefined;
      if (value) values.set(name, value);
    }
  }
  return computable;
}

/** What Shape and Size make of a tensor with these sizes. */
export function evaluateShape({ op, attributes }: GraphNode, dims: readonly number[]): Tensor<'int64'> {
  if (op === 'Size') return { type: 'int64', dims: [], data: toInt64s([elementCount(dims)]) };
  const end = attributes.find('end') ? attributes.int('end', 0) : undefined;
  const sizes = dims.slice(attributes.int('start', 0), end);
  return { type: 'int64', dims: [sizes.length], data: toInt64s(sizes) };
}

/** Whether two tensors of one type hold the same. */
export function isEqual(a: Tensor, b: Tensor): boolean {
  return a.data.length === b.data.length && a.data.every((value, index) => value === b.data[index]);
}
