import type { FactTable } from '../model/graph/facts.ts';
import type { Graph, GraphNode } from '../model/graph/graph.ts';
import type { NodeContext } from './context.ts';
import type { Path } from './path.ts';

/** A composite of several nodes whose joint derivative is cheaper than that of its parts. */
export interface Pattern {
  /** Called for every node on the path as the composite's last node. */
  readonly match: (root: GraphNode, view: PatternView) => PatternMatch | undefined;
}

export interface PatternMatch {
  /** Name of the composite's only input. */
  readonly input: string;
  /** Nodes between the composite's input and its last node; skipped, so nothing else on the path may read them. */
  readonly inner: readonly GraphNode[];
  /** Takes the gradient of the last node's output, hands the gradient of the composite's input over with `addTo`. */
  readonly backward: (context: NodeContext) => void;
}

export interface PatternView {
  readonly graph: Graph;
  readonly facts: FactTable;
}

/** Finds composites on a path; `ends` are tensors whose own gradients are asked for, which no composite may swallow. */
export function matchPatterns(
  graph: Graph,
  path: Path,
  facts: FactTable,
  patterns: readonly Pattern[],
  ends: ReadonlySet<string>,
): Map<GraphNode, PatternMatch> {
  const onPath = new Set(path.nodes);
  const matches = new Map<GraphNode, PatternMatch>();
  const taken = new Set<GraphNode>();
  for (const root of path.nodes.toReversed()) {
    if (taken.has(root)) continue;
    for (const pattern of patterns) {
      const match = pattern.match(root, { graph, facts });
      if (!match) continue;
      const covered = new Set([root, ...match.inner]);
      const free = match.inner.every(
        node =>
          onPath.has(node) &&
          !taken.has(node) &&
          node.outputs.every(
            output =>
              !ends.has(output) && graph.consumers(output).every(reader => covered.has(reader) || !onPath.has(reader)),
          ),
      );
      if (!free) continue;
      for (const node of covered) taken.add(node);
      matches.set(root, match);
      break;
    }
  }
  return matches;
}
