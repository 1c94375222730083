import { scale } from './blocked.ts';
import type { Emitter } from './emitter.ts';
import { reduceSum } from './forms.ts';
import { range, sameDims, type Value } from './value.ts';

/**
 * Writes a lazy gradient out to the shape of its tensor, on all axes or on some. A dynamic axis is left to broadcasting
 * where the gradient has its full length already; only a gradient that is lazy on a dynamic axis reads the tensor's
 * shape at run time (and is then written out on all axes).
 */
export function expand(e: Emitter, gradient: Value, tensor: Value, axes = range(tensor.dims.length)): Value {
  const full = (size: number, axis: number): number => (size === 1 ? tensor.dims[axis]! : size);
  const dims = gradient.dims.map((size, axis) => (axes.includes(axis) ? full(size, axis) : size));
  if (sameDims(dims, gradient.dims)) return gradient;
  if (dims.some((size, axis) => size === -1 && gradient.dims[axis] === 1))
    return e.node('Expand', [gradient, e.shapeOf(tensor)], { type: gradient.type, dims: gradient.dims.map(full) });
  const target = dims.map((size, axis) => (gradient.dims[axis] === size ? 1 : size));
  if (e.opset >= 8) return e.node('Expand', [gradient, e.ints(target)], { type: gradient.type, dims });
  return e.mul(gradient, e.constant(1, gradient.type, target));
}

/**
 * Gradient of an input that was broadcast: the output's gradient summed over the axes on which the input was repeated.
 * A lazy axis is multiplied by its length instead.
 */
export function unbroadcast(e: Emitter, gradient: Value, output: Value, input: Value): Value {
  const extra = output.dims.length - input.dims.length;
  const summed: number[] = [];
  let factor = 1;
  output.dims.forEach((size, axis) => {
    const kept = axis < extra ? 1 : input.dims[axis - extra]!;
    if (kept !== 1 || size === 1) return;
    if (gradient.dims[axis] === 1 && size > 0) factor *= size;
    else summed.push(axis);
  });
  const sum = scale(e, reduceSum(e, expand(e, gradient, output, summed), summed), factor);
  if (extra === 0) return sum;
  const dims = sum.dims.slice(extra);
  if (dims.filter(size => size === -1).length <= 1) return e.reshape(sum, dims);
  return e.reshapeLike(expand(e, sum, { ...output, dims: [...sum.dims.slice(0, extra), ...input.dims] }), input);
}
