import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
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
const CHOOSING = new Set(['NonZero', 'TopK', 'NonMaxSuppression', 'Loop', 'Compress', 'RoiAlign']);

/**
 * Whether the graph chooses among candidates, and the candidates themselves where they are all there before the choice
 * (not filtered or moved apart by class, as torchvision's are).
 */
export function tensorBeforeSuppression(graph: Graph, facts: FactTable): { found: boolean; raw?: SuppressionInputs } {
  const choosing = graph.nodes.filter(({ op, domain }) => CHOOSING.has(op) || (domain !== '' && /nms/i.test(op)));
  const inBodies = graph.nodes.some(({ attributes }) =>
    subgraphsOf(attributes.protos).some(body => body.node.some(({ opType }) => opType === 'NonMaxSuppression')),
  );
  const moved = dependentTensors(
    graph,
    choosing.flatMap(({ outputs }) => outputs.filter(Boolean)),
  );
  const suppressions = choosing.filter(({ op, domain }) => op === 'NonMaxSuppression' && domain === '');
  for (const { inputs, attributes } of suppressions) {
    const [boxes, scores] = inputs as [string, string];
    const shape = facts.get(boxes)?.dims;
    const scoreShape = facts.get(scores)?.dims;
    if (moved.has(boxes) || moved.has(scores) || shape?.length !== 3 || scoreShape?.length !== 3) continue;
    if (shape[1] === scoreShape[2])
      return { found: true, raw: { boxes, scores, centre: attributes.int('center_point_box', 0) === 1 } };
  }
  return { found: suppressions.length > 0 || inBodies || choosing.some(({ op }) => op === 'TopK' || op === 'NonZero') };
}
