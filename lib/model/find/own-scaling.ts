import type { Graph, GraphNode } from '../graph/graph.ts';
import { readNumbers } from '../graph/tensor-values.ts';

/** What pictures a network expects that brings their values to another range itself. */
export interface OwnScaling {
  /** 0..255 or 0..1. */
  readonly expects: 'raw' | 'unit';
  /** For people: "divides by 255 (Div)". */
  readonly does: string;
}

/** On the way to the first arithmetic: what moves or enlarges pictures. */
const PASSING: ReadonlySet<string> = new Set([
  ...['Cast', 'Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Resize', 'Pad', 'Slice', 'Gather'],
  ...['Split', 'Concat', 'DequantizeLinear', 'QuantizeLinear'],
]);
const STEPS = 12;

/** The first arithmetic on a picture, where it is a change of range; undefined where the network takes what it gets. */
export function findOwnScaling(graph: Graph, input: string): OwnScaling | undefined {
  let names = [input];
  for (let step = 0; step < STEPS && names.length > 0; step++) {
    const nodes = names.flatMap(name => graph.consumers(name));
    for (const node of nodes) {
      const found = scalingOf(graph, node, names);
      if (found) return found;
    }
    names = nodes.filter(({ op, domain }) => domain === '' && PASSING.has(op)).flatMap(({ outputs }) => outputs);
  }
  return undefined;
}

function scalingOf(graph: Graph, { op, inputs }: GraphNode, names: readonly string[]): OwnScaling | undefined {
  const constant = (name: string | undefined) => {
    const weight = graph.initializers.get(name ?? '');
    const values = weight && weight.dims.reduce((n, d) => n * Number(d), 1) <= 16 ? readNumbers(weight) : [];
    return values.length > 0 ? values.map(Math.abs) : undefined;
  };
  if (op === 'BatchNormalization' && names.includes(inputs[0]!)) {
    const mean = constant(inputs[3]);
    return mean && average(mean) > 20 ? { expects: 'raw', does: 'normalises by means of 0..255' } : undefined;
  }
  const other = inputs.find(name => !names.includes(name));
  const values = inputs.length === 2 ? constant(other) : undefined;
  if (!values) return undefined;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const shown = values.length === 1 ? round(values[0]!) : `[${values.map(round).join(', ')}]`;
  if (op === 'Div' && inputs[0] !== other && least >= 50) return { expects: 'raw', does: `divides by ${shown}` };
  if (op === 'Mul' && least > 0 && most < 0.02) return { expects: 'raw', does: `multiplies by ${shown}` };
  if ((op === 'Sub' || op === 'Add') && least >= 20) return { expects: 'raw', does: `subtracts ${shown}` };
  if ((op === 'Sub' || op === 'Add') && least > 0.2 && most < 0.8)
    return { expects: 'unit', does: `subtracts ${shown}` };
  return undefined;
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const round = (value: number): string => String(Number(value.toPrecision(4)));
