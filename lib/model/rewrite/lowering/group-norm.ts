import type { GraphNode } from '../../graph/graph.ts';
import { channelsFirst, channelsLast } from './channels-last.ts';
import type { Converter, Lowering } from './lowering.ts';

/** com.microsoft GroupNorm(x, gain, shift), channels last as a rule, perhaps with SiLU behind it. */
export const groupNorm: Converter = (node, lowering) => {
  const [x, gain, shift] = node.inputs as [string, string, string];
  return normalizeGroups(node, lowering, { x, gain, shift });
};

/** com.microsoft SkipGroupNorm(x, gain, shift, skip, bias): GroupNorm(x + skip + bias); output 1 is that sum. */
export const skipGroupNorm: Converter = (node, lowering) => {
  const [x, gain, shift, skip, bias = ''] = node.inputs as [string, string, string, string];
  const last = node.attributes.int('channels_last', 1) !== 0;
  const rank = lowering.shapes.of(skip)?.length;
  if ((rank !== 2 && rank !== 4) || (bias && !last)) return false;
  // [N, C] are the same channels everywhere.
  const spread = rank === 4 ? skip : lowering.unsqueeze(skip, ...(last ? [1, 2] : [2, 3]));
  const inner = bias ? lowering.emit('Add', [x, bias]) : x;
  const sum = lowering.emit('Add', [inner, spread], {}, node.outputs[1] || undefined);
  return normalizeGroups(node, lowering, { x: sum, gain, shift });
};

interface Operands {
  readonly x: string;
  readonly gain: string;
  readonly shift: string;
}

/** An instance normalisation over [N, groups, cells], as exporters write it, then gain and shift of every channel. */
function normalizeGroups(node: GraphNode, lowering: Lowering, { x, gain, shift }: Operands): boolean {
  const { attributes } = node;
  const groups = attributes.int('groups', 0);
  const channels = lowering.dimsOf(gain)?.[0];
  const [output] = node.outputs as [string];
  const last = attributes.int('channels_last', 1) !== 0;
  if (groups < 1 || channels === undefined || channels % groups !== 0) return false;
  const maps = last ? channelsFirst(lowering, x, 4) : x;
  const cells = lowering.emit('Reshape', [maps, lowering.integers([0, groups, -1])]);
  const filled = (value: number) => lowering.constant('float32', [groups], new Float32Array(groups).fill(value));
  const [one, zero] = [1, 0].map(value => (lowering.half ? lowering.toFloat(filled(value)) : filled(value)));
  const epsilon = attributes.find('epsilon');
  const normalized = lowering.emit('InstanceNormalization', [cells, one!, zero!], epsilon ? { epsilon } : {});
  const back = lowering.emit('Reshape', [normalized, lowering.emit('Shape', [maps])]);
  const wide = (name: string) => lowering.unsqueeze(name, 1, 2);
  const scaled = lowering.emit('Mul', [back, wide(gain)]);
  const silu = attributes.int('activation', 0) === 1;
  const named = last || silu ? undefined : output;
  const shifted = lowering.emit('Add', [scaled, wide(shift)], {}, named, node.name);
  const done = silu
    ? lowering.emit('Mul', [shifted, lowering.emit('Sigmoid', [shifted])], {}, last ? undefined : output)
    : shifted;
  if (last) channelsLast(lowering, done, 4, output);
  return true;
}
