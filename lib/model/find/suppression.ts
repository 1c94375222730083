import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { subgraphsOf } from '../graph/subgraphs.ts';

/** What a NonMaxSuppression in the graph chooses from. */
export interface SuppressionInputs {
  /** [N,A,4]. */
  readonly boxes: string;
  /** [N,K,A]. */
  readonly scores: string;
  /** Boxes are centre and size, not corners. */
  readonly centre: boolean;
}

/** Their outputs depend on the image in size or order: nothing behind them belongs to a fixed candidate. */
const CHOOSING = new Set(['NonZero', 'TopK', 'NonMaxSuppression', 'Compress', 'RoiAlign']);
/** They pick rows by numbers that are their second input. */
const PICKING = new Set(['Gather', 'GatherND', 'GatherElements']);
/** Between a choice and an output they keep each row a row: boxes are scaled and clipped, columns joined. */
const KEEPING_ROWS = new Set([
  ...['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Split', 'Concat', 'Pad'],
  ...['Mul', 'Div', 'Add', 'Sub', 'Clip', 'Min', 'Max', 'Where', 'Expand', 'Floor', 'Round', 'Relu', 'Sigmoid', 'Sqrt'],
  ...['ScatterND', 'ScatterElements', 'Tile', 'Mod', ...PICKING],
]);

const isSuppression = ({ op, domain, attributes }: GraphNode): boolean =>
  (domain === '' && op === 'NonMaxSuppression') ||
  (domain !== '' && /nms|nonmaxsuppression|detectionoutput/i.test(op)) ||
  subgraphsOf(attributes.protos).some(body => body.node.some(({ opType }) => opType === 'NonMaxSuppression'));

/**
 * Whether an output lists candidates that the graph has chosen by what it sees: between the choice (a suppression, the best
 * by TopK, those above a threshold) and the output there is nothing but the picking of rows and arithmetic on them. A
 * choice further inside makes no detections.
 */
export function listsChosen(graph: Graph, output: string): boolean {
  const seen = dependentTensors(
    graph,
    graph.inputs.map(({ name }) => name),
  );
  const choices = graph.nodes.filter(node => isChoice(node) && node.inputs.some(name => seen.has(name)));
  const chosen = dependentTensors(
    graph,
    choices.flatMap(({ outputs }) => outputs.filter(Boolean)),
  );
  const known = new Map<string, boolean>();
  const isPicked = (name: string): boolean => {
    let found = known.get(name);
    if (found === undefined) known.set(name, (found = chosen.has(name) && isPickedBy(graph.producer(name)!)));
    return found;
  };
  const isPickedBy = (node: GraphNode): boolean => {
    if (isChoice(node)) return choices.includes(node);
    if (node.domain !== '' || !KEEPING_ROWS.has(node.op)) return false;
    if (PICKING.has(node.op) && chosen.has(node.inputs[1]!)) return true;
    // Queries that were chosen further inside make boxes too, but their scores come from layers behind that.
    if (node.op === 'Concat') return node.inputs.filter(input => seen.has(input)).every(isPicked);
    return node.inputs.some(isPicked);
  };
  return isPicked(output);
}

const isChoice = (node: GraphNode): boolean =>
  isSuppression(node) || (node.domain === '' && ['NonZero', 'TopK', 'Compress'].includes(node.op));

/** The candidates in front of a NonMaxSuppression that an output depends on, where they are all there before the choice. */
export function candidatesBefore(
  graph: Graph,
  facts: FactTable,
  outputs: readonly string[],
): SuppressionInputs | undefined {
  const choosing = graph.nodes.filter(node => CHOOSING.has(node.op) || node.op === 'Loop' || isSuppression(node));
  const moved = dependentTensors(
    graph,
    choosing.flatMap(node => node.outputs.filter(Boolean)),
  );
  for (const node of choosing) {
    if (node.op !== 'NonMaxSuppression' || node.domain !== '') continue;
    const [boxes, scores] = node.inputs as [string, string];
    const shape = facts.get(boxes)?.dims;
    const scoreShape = facts.get(scores)?.dims;
    if (moved.has(boxes) || moved.has(scores) || shape?.length !== 3 || scoreShape?.length !== 3) continue;
    const reached = dependentTensors(graph, [node.outputs[0]!]);
    if (shape[1] === scoreShape[2] && outputs.some(output => reached.has(output)))
      return { boxes, scores, centre: node.attributes.int('center_point_box', 0) === 1 };
  }
  return undefined;
}
