import { constantValues } from '../graph/constant-chain.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { RESHAPING } from './class-names.ts';

/** They put probabilities together without making anything else of them: joins, means of several networks, 1 − p, products. */
const ARITHMETIC = new Set([...RESHAPING, 'Concat', 'Add', 'Sub', 'Mul', 'Div', 'Sum', 'Mean', 'Clip', 'Max', 'Min']);
const REDUCING = new Set(['ReduceMean', 'ReduceSum']);
const MOST_STEPS = 64;

/**
 * Whether values are probabilities already: everything of the picture in them comes out of Softmax or Sigmoid, through
 * arithmetic with single numbers.
 */
export function areProbabilities(graph: Graph, facts: FactTable, tensor: string): boolean {
  const seen = dependentTensors(
    graph,
    graph.inputs.map(({ name }) => name),
  );
  const pending = [tensor];
  const visited = new Set<string>();
  while (pending.length > 0) {
    const name = pending.pop()!;
    if (visited.has(name)) continue;
    visited.add(name);
    const node = graph.producer(name);
    if (visited.size > MOST_STEPS || node?.domain !== '') return false;
    if (node.op === 'Sigmoid' || node.op === 'Softmax') continue;
    if (!ARITHMETIC.has(node.op) && !isMeanOfSeveral(facts, node)) return false;
    for (const input of node.inputs) {
      if (seen.has(input)) pending.push(input);
      else if (['Mul', 'Div', 'Add', 'Sub'].includes(node.op) && !isSingle(facts, input)) return false;
    }
  }
  return visited.size > 1;
}

const isSingle = (facts: FactTable, name: string): boolean => facts.get(name)?.dims.every(size => size === 1) ?? false;

/** Over an axis of stacked outputs, not over the classes, which are last. */
function isMeanOfSeveral(facts: FactTable, { op, inputs, outputs }: GraphNode): boolean {
  if (!REDUCING.has(op)) return false;
  const [before, after] = [facts.get(inputs[0]!)?.dims, facts.get(outputs[0]!)?.dims];
  return before !== undefined && after !== undefined && before.length > 2 && before.at(-1) === after.at(-1);
}

/** What an activation's values are only cut off or scaled by (0..1, per cent): its output; undefined for anything else. */
export function beforeScaling(graph: Graph, facts: FactTable, tensor: string): string | undefined {
  const node = graph.producer(tensor);
  if (node?.domain !== '') return undefined;
  if (node.op === 'Clip') return node.inputs[0];
  if (node.op !== 'Mul' && node.op !== 'Div') return undefined;
  const values = node.inputs.map(name => constantValues(graph, facts, name));
  const at = node.op === 'Div' ? 1 : values.findIndex(value => value !== undefined);
  const factor = values[at];
  return factor?.length === 1 && factor[0]! > 0 ? node.inputs[1 - at] : undefined;
}
