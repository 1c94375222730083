import { constantValues } from '../graph/constant-chain.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';

/** Some channels of a tensor with one row for each candidate. */
export interface Columns {
  readonly tensor: string;
  /** The axis that counts candidates, and the one that holds their values. */
  readonly rowAxis: number;
  readonly axis: number;
  readonly from: number;
  readonly length: number;
}

export interface ActivationBehind {
  readonly kind: 'sigmoid' | 'softmax';
  /** The same columns before the activation, where nothing but transposes lies between. */
  readonly logits?: Columns;
}

/** Some columns of an output as they leave an activation. */
export interface ActivatedColumns {
  readonly kind: 'sigmoid' | 'softmax';
  /** What the activation reads; the columns' place in it, and how many columns it has. */
  readonly before: Columns;
  readonly width: number;
  /** Nothing but transposes, splits and joins of columns lies between. */
  readonly direct: boolean;
}

/** The activation that made all of some columns of an output; of a Softmax it has to be all that it made. */
export function activationBehind(graph: Graph, facts: FactTable, columns: Columns): ActivationBehind | undefined {
  const found = activatedColumns(graph, facts, columns);
  if (!found) return undefined;
  const { kind, before, width, direct } = found;
  if (kind === 'softmax' && (before.from !== 0 || before.length !== width)) return undefined;
  return { kind, ...(direct && { logits: before }) };
}

/**
 * The activation that made some columns of an output, through what exporters put between: joins of scales and of boxes
 * with scores, splits, transposes and reshapes that keep the columns together.
 */
export function activatedColumns(graph: Graph, facts: FactTable, columns: Columns): ActivatedColumns | undefined {
  let { tensor, axis, from, rowAxis } = columns;
  const { length } = columns;
  let direct = true;
  const at = (kind: 'sigmoid' | 'softmax', input: string): ActivatedColumns => ({
    kind,
    before: { tensor: input, axis, rowAxis, from, length },
    width: facts.get(input)!.dims[axis]!,
    direct,
  });
  for (let node = graph.producer(tensor); node?.domain === ''; node = graph.producer(tensor)) {
    const [input] = node.inputs as [string];
    switch (node.op) {
      case 'Sigmoid':
        return at('sigmoid', input);
      case 'Softmax': {
        const rank = facts.get(input)!.dims.length;
        const along = node.attributes.int('axis', graph.opset < 13 ? 1 : -1);
        return (along < 0 ? along + rank : along) === axis ? at('softmax', input) : undefined;
      }
      case 'Identity':
      case 'Cast':
      case 'Dropout':
        tensor = input;
        break;
      case 'Transpose': {
        const perm = node.attributes.ints('perm');
        if (!perm) return undefined;
        [axis, rowAxis] = [perm[axis]!, perm[rowAxis]!];
        tensor = input;
        break;
      }
      case 'Concat': {
        const part = partOf(facts, node, axis, from, length);
        if (!part) return undefined;
        direct &&= part.alongColumns;
        ({ tensor, from } = part);
        break;
      }
      case 'Split':
        for (const output of node.outputs.slice(0, node.outputs.indexOf(tensor)))
          if (splitAxis(node, facts) === axis) from += facts.get(output)!.dims[axis]!;
        direct &&= splitAxis(node, facts) === axis;
        tensor = input;
        break;
      case 'Slice': {
        const start = sliceStart(graph, facts, node, axis);
        if (start === undefined) return undefined;
        direct = false;
        from += start;
        tensor = input;
        break;
      }
      case 'Reshape':
      case 'Squeeze':
      case 'Unsqueeze':
      case 'Flatten': {
        const kept = keptAxis(facts, input, tensor, axis);
        if (kept === undefined) return undefined;
        direct = false;
        axis = kept;
        tensor = input;
        break;
      }
      default:
        return undefined;
    }
  }
  return undefined;
}

/** The input of a join that holds the columns; of parts joined along another axis the first stands for all. */
function partOf(
  facts: FactTable,
  { inputs, outputs, attributes }: GraphNode,
  axis: number,
  from: number,
  count: number,
) {
  const along = attributes.int('axis', 0);
  if ((along < 0 ? along + facts.get(outputs[0]!)!.dims.length : along) !== axis)
    return { tensor: inputs[0]!, from, alongColumns: false };
  let start = 0;
  for (const tensor of inputs) {
    const size = facts.get(tensor)?.dims[axis] ?? -1;
    if (from >= start && from + count <= start + size) return { tensor, from: from - start, alongColumns: true };
    start += size;
  }
  return undefined;
}

function splitAxis({ inputs, attributes }: GraphNode, facts: FactTable): number {
  const axis = attributes.int('axis', 0);
  return axis < 0 ? axis + facts.get(inputs[0]!)!.dims.length : axis;
}

function sliceStart(
  graph: Graph,
  facts: FactTable,
  { inputs, attributes }: GraphNode,
  axis: number,
): number | undefined {
  const given = (name: string, position: number) =>
    attributes.ints(name) ?? (inputs[position] ? constantValues(graph, facts, inputs[position]!) : undefined);
  const starts = given('starts', 1);
  const steps = inputs[4] ? constantValues(graph, facts, inputs[4]) : undefined;
  if (!starts || steps?.some(step => step !== 1)) return undefined;
  const { dims } = facts.get(inputs[0]!)!;
  const axes = (given('axes', 3) ?? starts.map((_, index) => index)).map(one => (one < 0 ? one + dims.length : one));
  const start = axes.includes(axis) ? starts[axes.indexOf(axis)]! : 0;
  return start < 0 ? start + dims[axis]! : start;
}

/** The axis of the input that holds the same columns: the last one, or one before which nothing changes. */
function keptAxis(facts: FactTable, from: string, to: string, axis: number): number | undefined {
  const [before, after] = [facts.get(from)?.dims, facts.get(to)?.dims];
  if (!before || !after) return undefined;
  if (axis === after.length - 1 && before.at(-1) === after.at(-1)) return before.length - 1;
  return after.slice(0, axis + 1).every((size, index) => size === before[index]) ? axis : undefined;
}
