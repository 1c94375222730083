import { type Graph, type GraphNode, makeNode } from '../../graph/graph.ts';
import type { Converter, Lowering, Quantization } from './lowering.ts';

/**
 * ConvInteger and MatMulInteger of an activation that DynamicQuantizeLinear has quantised, with the Cast and the Mul by
 * both scales that bring the sum back to floats: a convolution or product of the dequantised tensors, which differs by the
 * rounding of float32 sums alone.
 */
export function integerProduct(op: 'Conv' | 'MatMul'): Converter {
  return (node, lowering) => {
    const [a, b, , weightZero = ''] = node.inputs as string[];
    const source = lowering.graph.producer(a!);
    if (source?.op !== 'DynamicQuantizeLinear' || source.outputs[0] !== a || source.outputs[2] !== node.inputs[2])
      return false;
    const steps = stepsToFloat(lowering.graph, node, source.outputs[1]!);
    if (!steps) return false;
    const rank = lowering.dimsOf(b!)?.length ?? 0;
    const of = { scale: steps.weightScale, zero: weightZero };
    const weight = lowering.weight(b!, of, op === 'Conv' ? 0 : rank - 1);
    if (weight === undefined || !standsOnAxis(lowering, of, op, rank)) return false;
    const activation = lowering.dequantized(a!, { scale: source.outputs[1]!, zero: source.outputs[2]! });
    lowering.emitLike(node, op, [activation, weight], [steps.output]);
    for (const step of steps.nodes) lowering.drop(step);
    return true;
  };
}

/** Scales that the product is multiplied with lie along the axis that weights are quantised by. */
function standsOnAxis(lowering: Lowering, { scale }: Quantization, op: 'Conv' | 'MatMul', rank: number): boolean {
  const dims = lowering.dimsOf(scale)!;
  if (dims.every(size => size === 1)) return true;
  const fromEnd = dims.length - dims.findIndex(size => size !== 1);
  return fromEnd === (op === 'Conv' ? rank - 1 : 1);
}

interface StepsToFloat {
  readonly nodes: readonly GraphNode[];
  readonly weightScale: string;
  readonly output: string;
}

/** Integer sum → Cast → Mul with (activation scale · weight scale). */
function stepsToFloat(graph: Graph, node: GraphNode, activationScale: string): StepsToFloat | undefined {
  const cast = onlyReader(graph, node.outputs[0]!, 'Cast');
  const mul = cast && onlyReader(graph, cast.outputs[0]!, 'Mul');
  const scales = mul?.inputs.find(name => name !== cast!.outputs[0]);
  const product = scales === undefined ? undefined : graph.producer(scales);
  const weightScale = product?.op === 'Mul' && product.inputs.find(name => name !== activationScale);
  if (!weightScale || !product.inputs.includes(activationScale)) return undefined;
  const shared = graph.consumers(scales!).length > 1;
  return { nodes: shared ? [cast!, mul!] : [cast!, mul!, product], weightScale, output: mul!.outputs[0]! };
}

function onlyReader(graph: Graph, tensor: string, op: string): GraphNode | undefined {
  const [reader, another] = graph.consumers(tensor);
  const isOutput = graph.outputs.some(({ name }) => name === tensor);
  return reader?.op === op && !another && !isOutput ? reader : undefined;
}

/** com.microsoft MatMulIntegerToFloat(a, b, sa, sb, za, zb, bias), which the runtime's optimiser makes of the same steps. */
export const matMulIntegerToFloat: Converter = (node, lowering) => {
  const [a, b, scaleA, scaleB, zeroA = '', zeroB = '', bias = ''] = node.inputs as string[];
  const activation = () => lowering.dequantized(a!, { scale: scaleA!, zero: zeroA });
  return product(node, lowering, activation, b!, bias, { scale: scaleB!, zero: zeroB });
};

/** com.microsoft DynamicQuantizeMatMul(a, b, sb, zb, bias). */
export const dynamicQuantizeMatMul: Converter = (node, lowering) => {
  const [a, b, scale, zero = '', bias = ''] = node.inputs as string[];
  const activation = () => {
    const [quantized, ...own] = ['quantized', 'scale', 'zero'].map(what => `${node.outputs[0]}/${what}`);
    lowering.nodes.push(makeNode('DynamicQuantizeLinear', [a!], [quantized!, ...own]));
    return lowering.dequantized(quantized!, { scale: own[0]!, zero: own[1]! });
  };
  return product(node, lowering, activation, b!, bias, { scale: scale!, zero });
};

function product(
  node: GraphNode,
  lowering: Lowering,
  activation: () => string,
  b: string,
  bias: string,
  of: Quantization,
): boolean {
  const dims = lowering.dimsOf(b);
  const weight = dims && lowering.weight(b, of, dims.length - 1);
  if (weight === undefined) return false;
  const [output] = node.outputs as [string];
  const sum = bias ? `${output}/sum` : output;
  lowering.emitLike(node, 'MatMul', [activation(), weight], [sum]);
  if (bias) lowering.emit('Add', [sum, bias], {}, output);
  return true;
}
