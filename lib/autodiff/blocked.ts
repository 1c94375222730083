/**
 * Elementwise steps as 1×1 depthwise convolutions. On the CPU, ONNX Runtime keeps feature maps in channel blocks (NCHWc)
 * between convolutions, pools, Mul and Add of equal shapes; every other operator that reads one costs a copy into the
 * plain layout, and the convolution behind it a copy back. A network's backward pass is as long as its forward pass and
 * reads all of its activations, so these copies were a third of it (measured by bench/gradient-cost.js).
 */
import { type AttributeValue, float } from '../model/graph/attributes.ts';
import { batchName, makeValueInfo } from '../model/graph/value-info.ts';
import type { Emitter } from './emitter.ts';
import type { Value } from './value.ts';

/** Largest block that ONNX Runtime uses (16 with AVX-512, else 8): depthwise convolutions need a whole number of them. */
const BLOCK = 16;

/** Operators that leave a tensor in blocks, or are fused into the convolution before them. */
const KEEPS_BLOCKS = new Set([
  'Relu',
  'Clip',
  'LeakyRelu',
  'HardSigmoid',
  'Sigmoid',
  'Tanh',
  'BatchNormalization',
  'Add',
  'Sum',
  'Mul',
  'Concat',
  'MaxPool',
  'AveragePool',
]);

/** True where the runtime holds a tensor in channel blocks: feature maps that come from a convolution. */
export function isBlocked(e: Emitter, x: Value): boolean {
  const [, channels = 0, ...positions] = x.dims;
  if (!e.blocks || x.type !== 'float32') return false;
  if (positions.length !== 2 || positions.every(size => size === 1) || channels <= 0 || channels % BLOCK !== 0)
    return false;
  return comesFromConvolution(e, x.name);
}

function comesFromConvolution(e: Emitter, tensor: string): boolean {
  let name: string | undefined = tensor;
  while (name !== undefined) {
    const node = e.graph.producer(name);
    if (node?.domain !== '') return false;
    if (node.op === 'Conv') return true;
    name = KEEPS_BLOCKS.has(node.op) ? node.inputs[0] : undefined;
  }
  return false;
}

/**
 * Tells the runtime that a gradient has the dynamic batch of its tensor, where an operator on the way (Resize) hid that:
 * Mul and Add stay in blocks only when both sides are known to have one shape.
 */
export function declareShape(e: Emitter, gradient: Value, tensor: Value): void {
  const batch = e.blocks && gradient.dims[0] === -1 ? batchOf(e, tensor.name) : undefined;
  if (batch) e.graph.shapes.push(makeValueInfo(gradient.name, gradient.type, [batch, ...gradient.dims.slice(1)]));
}

/** The name of the batch of a tensor that lies behind the model's input with nothing between that changes it. */
function batchOf(e: Emitter, tensor: string): string | undefined {
  let name = tensor;
  for (let node = e.graph.producer(name); node; node = e.graph.producer(name)) {
    if (node.domain !== '' || (node.op !== 'Conv' && !KEEPS_BLOCKS.has(node.op))) return undefined;
    name = node.inputs[0]!;
  }
  return batchName(e.graph.inputs.filter(input => input.name === name));
}

/** scale·x + offset. */
export function affine(e: Emitter, x: Value, scale: number | Value, offset = 0): Value {
  const channels = x.dims[1]!;
  const weight = typeof scale === 'number' ? e.constant(scale, x.type, [channels, 1, 1, 1]) : scale;
  const inputs = offset === 0 ? [x, weight] : [x, weight, e.constant(offset, x.type, [channels])];
  return e.node('Conv', inputs, x, { group: channels, kernel_shape: [1, 1] });
}

/** An activation of scale·x + offset, which the runtime fuses into the convolution. */
export function fusedAffine(
  e: Emitter,
  x: Value,
  { scale, offset = 0 }: { scale: number; offset?: number },
  op: string,
  attributes: Readonly<Record<string, AttributeValue>>,
): Value {
  return e.unary(op, affine(e, x, scale, offset), attributes);
}

/** x times one factor per channel, given by a tensor of as many elements. */
export function scaleChannels(e: Emitter, x: Value, factors: Value): Value {
  const channels = x.dims[1]!;
  if (isBlocked(e, x)) return affine(e, x, e.reshape(factors, [channels, 1, 1, 1]));
  return e.mul(x, e.reshape(factors, [channels, ...x.dims.slice(2).map(() => 1)]));
}

/** x · factor; nothing for a factor of one. */
export function scale(e: Emitter, x: Value, factor: number): Value {
  if (factor === 1) return x;
  if (isBlocked(e, x)) return affine(e, x, factor);
  return factor === -1 ? e.neg(x) : e.mul(x, e.scalar(factor, x));
}

/** x + term; nothing for a term of zero. */
export function plus(e: Emitter, x: Value, term: number): Value {
  if (term === 0) return x;
  return isBlocked(e, x) ? affine(e, x, 1, term) : e.add(x, e.scalar(term, x));
}

/** term − x. */
export function minusFrom(e: Emitter, term: number, x: Value): Value {
  if (isBlocked(e, x)) return affine(e, x, -1, term);
  return term === 0 ? e.neg(x) : e.sub(e.scalar(term, x), x);
}

/** Slope of the line that stands for a step: above 1e30⁻¹ it is exact. */
const STEP_SLOPE = 1e30;

/** Nothing beside any value, but no zero: OpenVINO takes a HardSigmoid's beta of zero for one that is left out (0.5). */
const STEP_OFFSET = -1e-30;

/** Slopes from which a HardSigmoid is one of our masks, a constant to a second differentiation. */
export const MASK_SLOPE = 1e5;

/** 1 where x > 0, else 0, in x's element type. */
export function step(e: Emitter, x: Value): Value {
  const steep = { alpha: float(STEP_SLOPE), beta: float(STEP_OFFSET) };
  if (isBlocked(e, x)) return fusedAffine(e, x, { scale: 1 }, 'HardSigmoid', steep);
  // A clamped steep line is one node and several times faster than any comparison (docs/design.md#steps-without-where).
  // Half types have too few exponents for the slope, and ONNX Runtime has none for float64.
  if (x.type === 'float32') return e.unary('HardSigmoid', x, steep);
  return e.cast(e.node('Greater', [x, e.scalar(0, x)], { type: 'bool', dims: x.dims }), x.type);
}

/** −1, 0 or 1; the operator of this name is slower than two steps, and new in opset 9. */
export function sign(e: Emitter, x: Value): Value {
  return e.sub(step(e, x), step(e, e.neg(x)));
}
