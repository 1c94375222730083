import { setImmediate } from 'node:timers/promises';
import type { TensorProto } from 'onnx-buf';
import { OnnxCamError, throwIfAborted } from '../../common/errors.ts';
import { Random } from '../../common/random.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { dimsOf, makeTensorProto, numberToHalf, typeOfCode } from '../graph/tensor-values.ts';

/** Weights that are drawn anew together: those of one layer. */
export interface WeightUnit {
  /** Of the node, or its output where it has none. */
  readonly name: string;
  /** The node's place in the graph. */
  readonly node: number;
  readonly weights: readonly UnitWeight[];
}

interface UnitWeight {
  readonly tensor: string;
  /** A constant, or the bound b of the uniform draws in [−b, b). */
  readonly fill: { readonly value: number } | { readonly bound: number };
}

/** Numbers drawn between two turns of the event loop: about a millisecond. */
const SLICE = 2 ** 16;

/**
 * The layers whose weights can be drawn anew, in the order of the network: convolutions, matrix products with their
 * biases, and normalisations (docs/metrics.md#randomised-networks). A batch normalisation that was folded into a convolution
 * belongs to it; a weight that several nodes read belongs to the first.
 * @throws `ERR_MODEL_UNSUPPORTED` for quantised weights
 */
export function weightUnits({ graph, facts }: Weighted): WeightUnit[] {
  const taken = new Set<string>();
  const units: WeightUnit[] = [];
  for (const [place, node] of graph.nodes.entries()) {
    if (QUANTIZED.has(node.op))
      throw new OnnxCamError(
        'ERR_MODEL_UNSUPPORTED',
        `${node.op} (node "${node.name}") has quantised weights, which cannot be drawn anew; use the float model that this one was made of`,
      );
    const weights = weightsOf({ graph, facts }, node).flatMap(({ tensor, fill }) => {
      const weight = weightBehind(graph, tensor);
      return weight === undefined || taken.has(weight) ? [] : [{ tensor: weight, fill }];
    });
    if (weights.length === 0) continue;
    for (const { tensor } of weights) taken.add(tensor);
    units.push({ name: node.name || node.outputs[0]!, node: place, weights });
  }
  return units;
}

const QUANTIZED: ReadonlySet<string> = new Set([
  'ConvInteger',
  'DequantizeLinear',
  'MatMulInteger',
  'QLinearConv',
  'QLinearMatMul',
]);

/** What moves a weight or changes its type on its way to a layer. */
const CARRIES: ReadonlySet<string> = new Set(['Cast', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze']);

/** The weight that a tensor is made of, if it is one alone. */
function weightBehind(graph: Graph, tensor: string): string | undefined {
  let name = tensor;
  for (;;) {
    if (graph.initializers.has(name)) return name;
    const node = graph.producer(name);
    if (!node || !CARRIES.has(node.op)) return undefined;
    name = node.inputs[0]!;
  }
}

/** By the names under which the layer reads them. */
function weightsOf({ graph, facts }: Weighted, { op, inputs, outputs, attributes }: GraphNode): UnitWeight[] {
  const dims = (index: number) => {
    const name = inputs[index] ?? '';
    return weightBehind(graph, name) === undefined ? undefined : facts.get(name)?.dims;
  };
  const drawn = (index: number, fanIn: number, ...biases: (string | undefined)[]): UnitWeight[] => {
    const fill = { bound: 1 / Math.sqrt(Math.max(1, fanIn)) };
    return [inputs[index], ...biases].filter(name => name).map(tensor => ({ tensor: tensor!, fill }));
  };
  switch (op) {
    case 'Conv':
    case 'ConvTranspose': {
      const shape = dims(1);
      return shape ? drawn(1, product(shape.slice(1)), inputs[2]) : [];
    }
    case 'Gemm': {
      const shape = dims(1);
      return shape ? drawn(1, shape[attributes.int('transB', 0) === 1 ? 1 : 0]!, inputs[2]) : [];
    }
    case 'MatMul': {
      const index = dims(1) ? 1 : 0;
      const shape = dims(index);
      if (!shape || shape.length < 2) return [];
      return drawn(index, shape.at(index === 1 ? -2 : -1)!, biasBehind(graph, outputs[0]!));
    }
    case 'BatchNormalization':
      return filled(inputs, [
        [1, 1],
        [2, 0],
        [3, 0],
        [4, 1],
      ]);
    case 'LayerNormalization':
    case 'InstanceNormalization':
    case 'GroupNormalization':
      return filled(inputs, [
        [1, 1],
        [2, 0],
      ]);
    default:
      return [];
  }
}

const product = (sizes: readonly number[]) => sizes.reduce((cells, size) => cells * size, 1);

function filled(inputs: readonly string[], values: readonly (readonly [index: number, value: number])[]): UnitWeight[] {
  return values.flatMap(([index, value]) => (inputs[index] ? [{ tensor: inputs[index], fill: { value } }] : []));
}

/** The vector that an Add behind a matrix product adds. */
function biasBehind(graph: Graph, made: string): string | undefined {
  const [reader, ...others] = graph.consumers(made);
  if (reader?.op !== 'Add' || others.length > 0) return undefined;
  return reader.inputs.find(name => {
    const weight = weightBehind(graph, name);
    return weight !== undefined && product(dimsOf(graph.initializers.get(weight)!)) > 1;
  });
}

/** A model's graph and facts. */
interface Weighted {
  readonly graph: Graph;
  readonly facts: FactTable;
}

/**
 * Weights of one unit, by name: U(−1/√fan_in, 1/√fan_in), PyTorch's default, normalisations 1 and 0. The draws depend on the
 * seed and the unit's place alone, so that a unit keeps them while further ones are drawn.
 * @throws `ERR_MODEL_UNSUPPORTED` for weights of other types than floats, `ERR_ABORTED`
 */
export async function drawUnit(
  graph: Graph,
  { weights }: WeightUnit,
  place: number,
  seed: number,
  signal?: AbortSignal,
): Promise<Map<string, TensorProto>> {
  const random = new Random(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(place + 1, 0xc2b2ae35));
  const drawn = new Map<string, TensorProto>();
  for (const { tensor, fill } of weights)
    drawn.set(tensor, await drawWeight(graph.initializers.get(tensor)!, fill, random, signal));
  return drawn;
}

/** The model with other weights in the place of its own. */
export function withWeights({ graph, facts }: Weighted, weights: ReadonlyMap<string, TensorProto>): Weighted {
  const changed = graph.clone();
  const known = new Map(facts);
  for (const [name, weight] of weights) {
    changed.initializers.set(name, weight);
    const fact = facts.get(name);
    // Values that were known are no more.
    if (fact) known.set(name, { type: fact.type, dims: fact.dims });
  }
  return { graph: changed, facts: known };
}

async function drawWeight(
  weight: TensorProto,
  fill: UnitWeight['fill'],
  random: Random,
  signal: AbortSignal | undefined,
): Promise<TensorProto> {
  const dims = dimsOf(weight);
  const type = typeOfCode(weight.dataType);
  const count = product(dims);
  const values = new Float32Array(count);
  if ('value' in fill) values.fill(fill.value);
  else
    for (let i = 0; i < count; i++) {
      if (i % SLICE === SLICE - 1) {
        await setImmediate();
        throwIfAborted(signal);
      }
      values[i] = (2 * random.uniform() - 1) * fill.bound;
    }
  if (type === 'float16') return makeTensorProto(weight.name, type, dims, Uint16Array.from(values, numberToHalf));
  if (type === 'float64') return makeTensorProto(weight.name, type, dims, Float64Array.from(values));
  if (type !== 'float32')
    throw new OnnxCamError('ERR_MODEL_UNSUPPORTED', `weights of type ${type} ("${weight.name}") cannot be drawn anew`);
  return makeTensorProto(weight.name, type, dims, values);
}
