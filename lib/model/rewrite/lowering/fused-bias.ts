import { fastGeluOf, geluOf } from './fused-gelu.ts';
import type { Converter } from './lowering.ts';

/** com.microsoft BiasAdd(x, bias, skip): their sum. */
export const biasAdd: Converter = (node, lowering) => {
  const [x, bias, skip] = node.inputs as [string, string, string];
  lowering.emit('Add', [lowering.emit('Add', [x, bias]), skip], {}, node.outputs[0]!, node.name);
  return true;
};

/** com.microsoft BiasDropout(x, bias, skip, …): x + bias + skip where nothing is trained. */
export const biasDropout: Converter = (node, lowering) => {
  const [x, bias, skip = '', , training = ''] = node.inputs as [string, string];
  if (node.outputs[1] || (training && lowering.numbers(training)?.[0] !== 0)) return false;
  const [output] = node.outputs as [string];
  const sum = lowering.emit('Add', [x, bias], {}, skip ? undefined : output);
  if (skip) lowering.emit('Add', [sum, skip], {}, output);
  return true;
};

/** com.microsoft BiasSplitGelu(x, bias): of x + bias, one half of the channels times the GELU of the other. */
export const biasSplitGelu: Converter = (node, lowering) => {
  const [x, bias] = node.inputs as [string, string];
  const channels = lowering.dimsOf(bias)?.[0];
  const rank = lowering.shapes.of(x)?.length ?? 3;
  if (channels === undefined) return false;
  const sum = lowering.emit('Add', [x, bias]);
  const [left, right] = lowering.split(sum, [channels / 2, channels / 2], rank - 1) as [string, string];
  lowering.emit('Mul', [left, geluOf(lowering, right)], {}, node.outputs[0]!, node.name);
  return true;
};

/** com.microsoft GemmFastGelu(x, w, bias): FastGelu of x·w + bias. */
export const gemmFastGelu: Converter = (node, lowering) => {
  const [x, weight, bias = ''] = node.inputs as [string, string];
  const product = lowering.emit('MatMul', [x, weight], {}, undefined, node.name);
  fastGeluOf(lowering, bias ? lowering.emit('Add', [product, bias]) : product, node.outputs[0]!);
  return true;
};

/**
 * com.microsoft BiasSoftmax(x, bias): softmax(x + bias) over all axes from `axis` on, as one. The bias has the last axes of x,
 * or its first ones and 1 on some between.
 */
export const biasSoftmax: Converter = (node, lowering) => {
  const [x, bias] = node.inputs as [string, string];
  const shape = lowering.shapes.of(x);
  const axis = node.attributes.int('axis', 1);
  if (!shape || (axis !== -1 && axis !== shape.length - 1)) return false;
  if (lowering.shapes.of(bias)?.length !== shape.length) return false;
  const sum = lowering.emit('Add', [x, bias]);
  lowering.emit('Softmax', [sum], { axis: shape.length - 1 }, node.outputs[0]!, node.name);
  return true;
};
