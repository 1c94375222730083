import { float } from '../../graph/attributes.ts';
import type { Converter } from './lowering.ts';

/** com.microsoft SkipLayerNormalization(x, skip, gain, shift, bias): LayerNormalization(x + skip + bias); output 3 is that sum. */
export const skipLayerNormalization: Converter = (node, lowering) => {
  const [x, skip, gain, shift = '', bias = ''] = node.inputs as string[];
  const [output, mean, deviation, sumOutput] = node.outputs;
  if (mean || deviation) return false;
  const sum = sumOutput || `${output}/sum`;
  const inner = bias ? lowering.emit('Add', [x!, bias]) : x!;
  lowering.emit('Add', [inner, skip!], {}, sum);
  // The standard operator's default is another.
  const epsilon = float(node.attributes.float('epsilon', 1e-12));
  lowering.emitLike(node, 'LayerNormalization', [sum, gain!, shift], [output!], {
    without: ['epsilon'],
    attributes: { axis: -1, epsilon },
  });
  return true;
};
