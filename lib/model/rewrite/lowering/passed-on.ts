import type { GraphNode } from '../../graph/graph.ts';
import type { Lowering, Quantization } from './lowering.ts';

/** They move or choose values and keep their parameters of quantisation. */
const PASSING: ReadonlySet<string> = new Set([
  'DepthToSpace',
  'Expand',
  'Flatten',
  'Gather',
  'GlobalMaxPool',
  'Identity',
  'MaxPool',
  'Pad',
  'Reshape',
  'Resize',
  'Slice',
  'SpaceToDepth',
  'Split',
  'Squeeze',
  'Tile',
  'Transpose',
  'Unsqueeze',
]);

/**
 * Operators that quantisers leave working on whole numbers: the same on the dequantised tensor, quantised again with the
 * same parameters (the runtime takes both steps out).
 * @returns false for a node that no quantised tensor enters
 */
export function passOn(node: GraphNode, lowering: Lowering): boolean {
  const parameters = lowering.quantized.get(node.inputs[0] ?? '');
  if (!parameters || node.domain !== '' || !PASSING.has(node.op) || node.outputs.filter(Boolean).length === 0)
    return false;
  if (node.op === 'MaxPool' && node.outputs[1]) return false;
  const [data, ...rest] = node.inputs as [string, ...string[]];
  const inputs = [lowering.dequantized(data, parameters), ...(node.op === 'Pad' ? filled(rest, parameters) : rest)];
  const before = node.outputs.map(name => name && lowering.unquantized(name));
  lowering.emitLike(node, node.op, inputs, before);
  node.outputs.forEach((name, i) => {
    if (name) lowering.quantize(before[i]!, parameters, name);
  });
  return true;

  /** What pads is a quantised number too; left out it is the whole number 0. */
  function filled([pads = '', value, ...others]: readonly string[], { scale, zero }: Quantization): string[] {
    if ((node.attributes.string('mode') ?? 'constant') !== 'constant') return [pads, value ?? '', ...others];
    const signed = lowering.graph.initializers.get(zero)?.dataType === INT8;
    const nothing = () => lowering.constant(signed ? 'int8' : 'uint8', [], signed ? Int8Array.of(0) : Uint8Array.of(0));
    return [pads, lowering.dequantized(value || nothing(), { scale, zero }), ...others];
  }
}

const INT8 = 3;
