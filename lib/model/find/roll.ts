import { constantValues } from '../graph/constant-chain.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';

/** A tensor turned along an axis: what was at `shift` is first, what was before it is last. */
export interface Roll {
  readonly source: string;
  readonly axis: number;
  readonly shift: number;
}

/**
 * For Concat(x[shift:], x[:shift]), as exporters write the shift of windows, the parts from Slices or one Split; undefined for
 * all other nodes.
 */
export function rollOf(graph: Graph, facts: FactTable, node: GraphNode): Roll | undefined {
  if (node.op !== 'Concat' || node.inputs.length !== 2) return undefined;
  const [first, second] = node.inputs.map(name => stretchOf(graph, facts, name));
  const [before, after] = node.inputs.map(name => facts.get(name)?.dims);
  if (!first || !second || !before || !after || first.source !== second.source) return undefined;
  const { source, axis, start: shift } = first;
  const joined = node.attributes.int('axis', 0);
  const along = joined < 0 ? joined + before.length : joined;
  const whole = after[axis] === shift && before[axis]! + shift === facts.get(source)?.dims[axis];
  const fits = axis === along && axis === second.axis && second.start === 0 && whole;
  return fits ? { source, axis, shift } : undefined;
}

/** Where a part of one axis of a tensor begins. */
interface Stretch {
  readonly source: string;
  readonly axis: number;
  readonly start: number;
}

function stretchOf(graph: Graph, facts: FactTable, part: string): Stretch | undefined {
  const node = graph.producer(part);
  const [source] = node?.inputs ?? [];
  const dims = facts.get(source ?? '')?.dims;
  if (!node || !source || !dims) return undefined;
  const { inputs, outputs, attributes } = node;
  const positive = (index: number, size: number) => (index < 0 ? index + size : index);
  if (node.op === 'Split') {
    const axis = positive(attributes.int('axis', 0), dims.length);
    const sizes = outputs.slice(0, outputs.indexOf(part)).map(name => facts.get(name)?.dims[axis] ?? Number.NaN);
    return { source, axis, start: sizes.reduce((sum, size) => sum + size, 0) };
  }
  if (node.op !== 'Slice') return undefined;
  const given = (index: number, name: string) =>
    attributes.ints(name) ?? (inputs[index] ? constantValues(graph, facts, inputs[index]) : undefined);
  const [starts, axes, steps] = [given(1, 'starts'), given(3, 'axes') ?? [0], given(4, 'steps') ?? [1]];
  if (starts?.length !== 1 || axes.length !== 1 || steps[0] !== 1) return undefined;
  const axis = positive(axes[0]!, dims.length);
  return { source, axis, start: positive(starts[0]!, dims[axis] ?? 0) };
}
