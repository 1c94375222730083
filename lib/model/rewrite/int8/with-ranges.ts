import type { TensorDataByType, TensorType } from '../../../engine/tensor.ts';
import type { Graph } from '../../graph/graph.ts';
import { dimsOf, makeTensorProto } from '../../graph/tensor-values.ts';
import { floatWeights } from './float-weights.ts';
import { type Int8Graph, type PlacedUnit, pointNames } from './int8-graph.ts';
import { type Quantisation, quantisations } from './points.ts';
import { type Int8Weights, quantizeWeights } from './quantize-weights.ts';

/** Leaves room in 32 bits for the sum that the bias is added to. */
const LARGEST_BIAS = 2 ** 30;

/**
 * An int8 graph with the constants that follow from the ranges of its points (`points.ts`). They are constants, and the graph
 * one for each picture, because ONNX Runtime's fast convolutions want zero points and biases that never change.
 * @param levels see {@link quantizeWeights}
 */
export async function withRanges(
  { graph, points, units }: Int8Graph,
  ranges: ArrayLike<number>,
  levels: number,
): Promise<Graph> {
  const settled = graph.clone();
  const known = quantisations(points, ranges);
  known.forEach(({ step, zero }, point) => {
    const names = pointNames(point);
    put(settled, names.step, 'float32', [], Float32Array.of(step));
    put(settled, names.zero, 'uint8', [], Uint8Array.of(zero));
  });
  for (const placed of units) await settle(settled, placed, known, levels);
  return settled;
}

async function settle(
  graph: Graph,
  { unit, input, output, names }: PlacedUnit,
  known: readonly Quantisation[],
  levels: number,
): Promise<void> {
  const { kind, weight, channels, bias } = unit;
  const [x, y] = [known[input]!, output === undefined ? undefined : known[output]!];
  const inputs = x.steps.length > 1 ? x.steps.map(step => step / x.step) : undefined;
  const { values, steps } = await quantizeWeights(unit, await floatWeights(weight), levels, inputs);
  // The kernel rescales sums by input step · weight step / output step: what channels have of their own goes into the second.
  const said = y && y.steps.length > 1 ? steps.map((step, c) => (step * y.step) / y.steps[c]!) : steps;
  put(graph, names.weight, 'int8', kind === 'conv' ? dimsOf(weight) : [values.length / channels, channels], values);
  put(graph, names.steps, 'float32', [channels], said);
  put(graph, names.zeros, 'int8', [channels], new Int8Array(channels));
  if (!bias) return;
  if (kind === 'conv') put(graph, names.bias, 'int32', [channels], integerBias(bias, x.step, steps));
  else put(graph, names.bias, 'float32', [channels], bias);
}

function integerBias(bias: Float32Array, step: number, steps: Int8Weights['steps']): Int32Array {
  return Int32Array.from(bias, (value, c) =>
    Math.max(-LARGEST_BIAS, Math.min(LARGEST_BIAS, Math.round(value / (step * steps[c]!)))),
  );
}

function put<T extends TensorType>(
  graph: Graph,
  name: string,
  type: T,
  dims: readonly number[],
  data: TensorDataByType[T],
): void {
  graph.initializers.set(name, makeTensorProto(name, type, dims, data));
}
