import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import type { Columns } from './activation-behind.ts';

/** A feature map whose every cell is a candidate. */
export interface GridLevel {
  readonly height: number;
  readonly width: number;
}

/** What hands values on without computing any. */
const MOVES = new Set(['Identity', 'Reshape', 'Flatten', 'Transpose', 'Cast']);

/**
 * The feature maps of a detector whose box columns leave convolutions as they are, in the order of its candidates: the
 * boxes are then offsets from cells of a grid, as in exports of YOLOX (github.com/Megvii-BaseDetection/YOLOX,
 * `decode_in_inference` off). Undefined where anything is computed from them, or where the cells are not the candidates.
 */
export function gridLevels(graph: Graph, facts: FactTable, { tensor, rowAxis }: Columns): GridLevel[] | undefined {
  const levels: GridLevel[] = [];
  const pending = [tensor];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = graph.producer(name);
    if (node?.domain !== '') return undefined;
    if (MOVES.has(node.op)) pending.push(node.inputs[0]!);
    else if (node.op === 'Concat') pending.push(...[...partsWithBoxes(facts, node)].reverse());
    else if (node.op === 'Conv') {
      const [, , height, width] = facts.get(name)?.dims ?? [];
      if (!(height! > 0 && width! > 0)) return undefined;
      levels.push({ height: height!, width: width! });
    } else return undefined;
  }
  const cells = levels.reduce((sum, { height, width }) => sum + height * width, 0);
  return levels.length > 1 && cells === facts.get(tensor)!.dims[rowAxis] ? levels : undefined;
}

/** The joined part that holds the four columns of the box, or all parts where they are levels. */
function partsWithBoxes(facts: FactTable, { inputs, attributes }: GraphNode): readonly string[] {
  const [first] = inputs as [string];
  const dims = facts.get(first)?.dims ?? [];
  const axis = attributes.int('axis', 0);
  return dims.at(axis) === 4 ? [first] : inputs;
}
