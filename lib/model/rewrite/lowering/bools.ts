import type { Graph } from '../../graph/graph.ts';

const BOOL = 9;
const COMPARING: ReadonlySet<string> = new Set([
  ...['And', 'Equal', 'Greater', 'GreaterOrEqual', 'IsInf', 'IsNaN', 'Less', 'LessOrEqual', 'Not', 'Or', 'Xor'],
]);
/** They hand on values of any type. */
const MOVING: ReadonlySet<string> = new Set([
  ...['Concat', 'Expand', 'Flatten', 'Gather', 'GatherElements', 'GatherND', 'Identity', 'Pad', 'Reshape', 'Slice'],
  ...['Split', 'Squeeze', 'Tile', 'Transpose', 'Trilu', 'Unsqueeze'],
]);
const BODIES: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan', 'SequenceAt']);

/** Whether a tensor holds truth values, by the nodes that make it; undefined where those don't tell. */
export function holdsBools(graph: Graph, tensor: string): boolean | undefined {
  for (let name = tensor; ; ) {
    const weight = graph.initializers.get(name);
    if (weight) return weight.dataType === BOOL;
    const input = graph.inputs.find(value => value.name === name)?.type?.value;
    if (input) return input.case === 'tensorType' && input.value.elemType === BOOL;
    const node = graph.producer(name);
    if (node?.domain !== '' || BODIES.has(node.op)) return undefined;
    if (COMPARING.has(node.op)) return true;
    if (node.op === 'Cast') return node.attributes.int('to') === BOOL;
    if (node.op === 'ConstantOfShape') return node.attributes.tensor('value')?.dataType === BOOL;
    if (node.op === 'Where') name = node.inputs[1] ?? '';
    else if (MOVING.has(node.op)) name = node.inputs[0] ?? '';
    else return false;
  }
}
