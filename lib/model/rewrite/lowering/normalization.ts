import { float } from '../../graph/attributes.ts';
import type { Converter, Lowering } from './lowering.ts';

/** com.microsoft SkipLayerNormalization(x, skip, gain, shift, bias): LayerNormalization(x + skip + bias); output 3 is that sum. */
export const skipLayerNormalization: Converter = (node, lowering) => {
  const [x, skip, gain, shift = '', bias = ''] = node.inputs as string[];
  const [output, mean, deviation, sumOutput] = node.outputs;
  if (mean || deviation) return false;
  const sum = withSkip(lowering, x!, skip!, bias, sumOutput || `${output}/sum`);
  // The standard operator's default is another.
  const epsilon = float(node.attributes.float('epsilon', 1e-12));
  lowering.emitLike(node, 'LayerNormalization', [sum, gain!, shift], [output!], {
    without: ['epsilon'],
    attributes: { axis: -1, epsilon },
  });
  return true;
};

/** com.microsoft SkipSimplifiedLayerNormalization(x, skip, gain, bias): RMSNormalization(x + skip + bias); output 3 is that sum. */
export const skipSimplifiedLayerNormalization: Converter = (node, lowering) => {
  const [x, skip, gain, bias = ''] = node.inputs as string[];
  const [output, mean, deviation, sumOutput] = node.outputs;
  if (mean || deviation) return false;
  const sum = withSkip(lowering, x!, skip!, bias, sumOutput || `${output}/sum`);
  const epsilon = node.attributes.float('epsilon', 1e-12);
  rootMeanSquare(lowering, { x: sum, gain: gain!, axes: [-1], epsilon, output: output!, name: node.name });
  return true;
};

/** A skip of a single image, or of one row, is that of all of them. */
function withSkip(lowering: Lowering, x: string, skip: string, bias: string, sum: string): string {
  const inner = bias ? lowering.emit('Add', [x, bias]) : x;
  return lowering.emit('Add', [inner, skip], {}, sum);
}

/** RMSNormalization(x, gain) of opset 23, and SimplifiedLayerNormalization, as the runtime's optimiser calls it in any opset. */
export const rmsNormalization: Converter = (node, lowering) => {
  const [x, gain] = node.inputs as [string, string];
  const axis = node.attributes.int('axis', -1);
  const rank = lowering.shapes.of(x)?.length;
  const count = axis < 0 ? -axis : (rank ?? 0) - axis;
  if (node.outputs[1] || count < 1 || count > (rank ?? MOST_AXES)) return false;
  rootMeanSquare(lowering, {
    x,
    gain,
    axes: Array.from({ length: count }, (_, i) => i - count),
    epsilon: node.attributes.float('epsilon', 1e-5),
    output: node.outputs[0]!,
    name: node.name,
  });
  return true;
};

interface RootMeanSquare {
  readonly x: string;
  readonly gain: string;
  readonly axes: readonly number[];
  readonly epsilon: number;
  readonly output: string;
  readonly name: string;
}

/** x/√(mean x² + ε)·gain; the squares of a model in half precision are float32, in which they cannot overflow. */
function rootMeanSquare(lowering: Lowering, { x, gain, axes, epsilon, output, name }: RootMeanSquare): void {
  const wide = lowering.half ? lowering.emit('Cast', [x], { to: FLOAT }) : x;
  const constant = lowering.constant('float32', [], Float32Array.of(epsilon));
  const squares = lowering.emit('Mul', [wide, wide]);
  const mean =
    lowering.opset < 18
      ? lowering.emit('ReduceMean', [squares], { axes })
      : lowering.emit('ReduceMean', [squares, lowering.integers(axes)]);
  const root = lowering.emit('Sqrt', [lowering.emit('Add', [mean, constant])]);
  const normalized = lowering.emit('Div', [wide, root]);
  lowering.emit('Mul', [lowering.half ? lowering.toFloat(normalized) : normalized, gain], {}, output, name);
}

const FLOAT = 1;
const MOST_AXES = 8;
