import type { GraphNode } from '../../graph/graph.ts';
import type { Lowering, Quantization } from './lowering.ts';

/** Scale and zero point that a node has as inputs from a position on. */
export function parametersAt(node: GraphNode, position: number): Quantization {
  return { scale: node.inputs[position] ?? '', zero: node.inputs[position + 1] ?? '' };
}

/**
 * An int32 bias as floats: its scale is that of the input times that of the weights (times a factor), its zero point 0.
 * @returns '' where there is none, undefined where the scales are no constants
 */
export function int32Bias(
  lowering: Lowering,
  bias: string,
  input: Quantization,
  weight: Quantization,
  factor = 1,
): string | undefined {
  if (!bias) return '';
  const inputScale = lowering.numbers(input.scale);
  const scales = lowering.numbers(weight.scale);
  if (inputScale?.length !== 1 || !scales) return undefined;
  const products = Float32Array.from(scales, scale => factor * inputScale[0]! * scale);
  const scale = lowering.constant('float32', products.length === 1 ? [] : [products.length], products);
  return lowering.weight(bias, { scale, zero: '' }, 0);
}
