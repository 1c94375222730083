import { minusFrom, plus, step } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import type { Rule } from '../rule.ts';
import type { Value } from '../value.ts';

/**
 * QuantizeLinear → DequantizeLinear is the identity within the representable range and constant outside it. The range
 * matters: quantisers delete the Relu or Clip before a pair whose saturation replaces it. The mask is taken from the
 * dequantised tensor, so that the integer forward pass keeps no float tensor alive.
 */
export const quantizeLinear: Rule = {
  inputs: [0],
  backward: context => context.add(0, context.gradient),
  backwardIndex: passIndex,
};

export const dequantizeLinear: Rule = {
  inputs: [0],
  backward: context =>
    context.add(0, cutsOff(context) ? context.emit.mul(context.gradient, insideRange(context)) : context.gradient),
  backwardIndex: context => !cutsOff(context) && passIndex(context),
};

function passIndex(context: NodeContext): boolean {
  context.addIndex(0, context.index!);
  return true;
}

/** A score beyond the calibrated range keeps its slope: all maps of the class would be empty otherwise. */
function cutsOff(context: NodeContext): boolean {
  const quantize = context.producer(0);
  if (quantize?.op !== 'QuantizeLinear' || context.makesScore) return false;
  return !WITHIN_RANGE.has(context.producerOf(quantize.inputs[0]!)?.op ?? '');
}

/** Results of these lie in the range of what they came from: masking them would lose small values rounded to its edge. */
const WITHIN_RANGE: ReadonlySet<string> = new Set([
  'AveragePool',
  'Clip',
  'Concat',
  'DepthToSpace',
  'DequantizeLinear',
  'Expand',
  'Flatten',
  'Gather',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'Identity',
  'MaxPool',
  'ReduceMean',
  'Relu',
  'Reshape',
  'Resize',
  'Sigmoid',
  'Slice',
  'Softmax',
  'SpaceToDepth',
  'Split',
  'Squeeze',
  'Tile',
  'Transpose',
  'Unsqueeze',
]);

const RANGES: Readonly<Record<string, readonly [low: number, high: number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

/** [y > low + s/2]·[y < high − s/2] with low, high = (qmin, qmax − zero point)·s. */
function insideRange(context: NodeContext): Value {
  const { emit } = context;
  const y = context.output();
  const [scale, zero] = [context.constantNumber(1), context.has(2) ? context.constantNumber(2) : 0];
  if (scale === undefined || zero === undefined) context.fail('its activations are quantised per channel');
  const [lowest, highest] =
    RANGES[context.input().type] ?? context.fail(`its type ${context.input().type} has no rule`);
  const low = (lowest - zero + 0.5) * scale;
  const high = (highest - zero - 0.5) * scale;
  return emit.mul(step(emit, plus(emit, y, -low)), step(emit, minusFrom(emit, high, y)));
}
