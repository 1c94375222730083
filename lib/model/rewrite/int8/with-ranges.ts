import type { TensorDataByType, TensorType } from '../../../engine/tensor.ts';
import type { Graph } from '../../graph/graph.ts';
import { dimsOf, makeTensorProto } from '../../graph/tensor-values.ts';
import { floatWeights } from './float-weights.ts';
import { type Int8Graph, type PlacedUnit, pointNames } from './int8-graph.ts';
import { type Quantisation, quantisations } from './points.ts';
import { quantizeWeights } from './quantize-weights.ts';

/** Leaves room in 32 bits for the sum that the bias is added to. */
const LARGEST_BIAS = 2 ** 30;

/** An int8 graph whose weights are rounded. */
export interface RoundedGraph extends Pick<Int8Graph, 'units'> {
  /** Without what follows from ranges. */
  readonly graph: Graph;
  /** Of each unit, the steps of its weights [channels]. */
  readonly steps: readonly Float32Array[];
}

/** The weights of all units, once for all ranges. @param levels see {@link quantizeWeights} */
export async function roundWeights({ graph, units }: Int8Graph, levels: number): Promise<RoundedGraph> {
  const rounded = graph.clone();
  const all: Float32Array[] = [];
  for (const { unit, names } of units) {
    const { kind, weight, channels, bias } = unit;
    const { values, steps } = await quantizeWeights(unit, await floatWeights(weight), levels);
    put(rounded, names.weight, 'int8', kind === 'conv' ? dimsOf(weight) : [values.length / channels, channels], values);
    put(rounded, names.steps, 'float32', [channels], steps);
    put(rounded, names.zeros, 'int8', [channels], new Int8Array(channels));
    if (bias && kind === 'matmul') put(rounded, names.bias, 'float32', [channels], bias);
    all.push(steps);
  }
  return { graph: rounded, units, steps: all };
}

/**
 * With the constants that follow from the ranges of the points (`points.ts`). They are constants, and the graph one for each
 * request, because ONNX Runtime's fast convolutions want zero points and biases that never change.
 */
export function withRanges({ graph, units, steps }: RoundedGraph, ranges: ArrayLike<number>): Graph {
  const settled = graph.clone();
  const known = quantisations(ranges);
  known.forEach(({ step, zero }, point) => {
    const names = pointNames(point);
    put(settled, names.step, 'float32', [], Float32Array.of(step));
    put(settled, names.zero, 'uint8', [], Uint8Array.of(zero));
  });
  units.forEach((placed, i) => {
    putBias(settled, placed, known[placed.input]!, steps[i]!);
  });
  return settled;
}

function putBias(graph: Graph, { unit, names }: PlacedUnit, { step }: Quantisation, steps: Float32Array): void {
  const { kind, bias, channels } = unit;
  if (!bias || kind !== 'conv') return;
  const whole = Int32Array.from(bias, (value, c) =>
    Math.max(-LARGEST_BIAS, Math.min(LARGEST_BIAS, Math.round(value / (step * steps[c]!)))),
  );
  put(graph, names.bias, 'int32', [channels], whole);
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
