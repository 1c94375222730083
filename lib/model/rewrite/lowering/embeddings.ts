import { float } from '../../graph/attributes.ts';
import type { Converter } from './lowering.ts';
import { indicesUpTo } from './scaled-product.ts';

/** com.microsoft EmbedLayerNormalization(ids, segments, word, position, segment, gain, shift, mask, positions) of a text. */
export const embedLayerNormalization: Converter = (node, lowering) => {
  const [ids, segments = '', words, places, kinds = '', gain, shift, mask = '', positions = ''] =
    node.inputs as string[];
  const [output, maskIndex, sumOutput] = node.outputs;
  if (mask || (maskIndex && lowering.graph.consumers(maskIndex).length > 0)) return false;
  const look = (table: string, indices: string) => lowering.emit('Gather', [table, indices], { axis: 0 });
  const at = positions ? look(places!, positions) : look(places!, indicesUpTo(lowering, ids!, 1));
  const sum = lowering.emit('Add', [look(words!, ids!), at], {}, segments ? undefined : sumOutput || undefined);
  const all = segments ? lowering.emit('Add', [sum, look(kinds, segments)], {}, sumOutput || undefined) : sum;
  const epsilon = float(node.attributes.float('epsilon', 1e-12));
  lowering.emit('LayerNormalization', [all, gain!, shift!], { axis: -1, epsilon }, output, node.name);
  return true;
};
