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
export function weightUnits(graph: Graph): WeightUnit[] {
  const taken = new Set<string>();
  const units: WeightUnit[] = [];
  for (const node of graph.nodes) {
    if (QUANTIZED.has(node.op))
      throw new OnnxCamError(
        'ERR_MODEL_UNSUPPORTED',
        `${node.op} (node "${node.name}") has quantised weights, which cannot be drawn anew; use the float model that this one was made of`,
      );
    const weights = weightsOf(graph, node).filter(({ tensor }) => graph.initializers.has(tensor) && !taken.has(tensor));
    if (weights.length === 0) continue;
    for (const { tensor } of weights) taken.add(tensor);
    units.push({ name: node.name || node.outputs[0]!, weights });
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

function weightsOf(graph: Graph, { op, inputs, outputs, attributes }: GraphNode): UnitWeight[] {
  const dims = (index: number) => {
    const weight = graph.initializers.get(inputs[index] ?? '');
    return weight && dimsOf(weight);
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
function biasBehind(graph: Graph, product: string): string | undefined {
  const [reader, ...others] = graph.consumers(product);
  if (reader?.op !== 'Add' || others.length > 0) return undefined;
  return reader.inputs.find(name => {
    const weight = graph.initializers.get(name);
    return weight !== undefined && dimsOf(weight).length === 1;
  });
}

/** A model's graph and facts. */
interface Weighted {
  readonly graph: Graph;
  readonly facts: FactTable;
}

/**
 * The model with the weights of some units drawn anew: U(−1/√fan_in, 1/√fan_in), PyTorch's default, normalisations 1 and 0. A
 * unit's draws depend on the seed and its place alone, so that it keeps them while further ones are drawn.
 * @param units all of them
 * @param which places of those to draw
 * @throws `ERR_ABORTED`
 */
export async function withRandomWeights(
  { graph, facts }: Weighted,
  units: readonly WeightUnit[],
  which: readonly number[],
  seed: number,
  signal?: AbortSignal,
): Promise<Weighted> {
  const drawn = graph.clone();
  const known = new Map(facts);
  for (const place of which) {
    const random = new Random(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(place + 1, 0xc2b2ae35));
    for (const { tensor, fill } of units[place]!.weights) {
      const weight = graph.initializers.get(tensor)!;
      const made = await drawWeight(weight, fill, random, signal);
      drawn.initializers.set(tensor, made);
      const fact = facts.get(tensor);
      // Values that were known are no more.
      if (fact) known.set(tensor, { type: fact.type, dims: fact.dims });
    }
  }
  return { graph: drawn, facts: known };
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
