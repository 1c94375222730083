import type { Graph, GraphNode } from './graph.ts';
import { dependenciesOf } from './subgraphs.ts';

/** Operators that read a tensor's shape, never its values. */
const SHAPE_ONLY = new Set(['Shape', 'Size']);

/**
 * Every tensor whose values depend on those of the sources. Shapes do not count: a chain Shape → Gather → Concat is as
 * constant as the sizes are.
 */
export function dependentTensors(graph: Graph, sources: Iterable<string>): Set<string> {
  const reached = new Set(sources);
  for (const node of graph.nodes) {
    if (isShapeOnly(node)) continue;
    if (dependenciesOf(node).some(name => reached.has(name)))
      for (const output of node.outputs) if (output) reached.add(output);
  }
  return reached;
}

/** Nodes that the targets need, in topological order; the search goes no further than the tensors in `stops`. */
export function neededNodes(
  graph: Graph,
  targets: Iterable<string>,
  stops: ReadonlySet<string> = new Set(),
): GraphNode[] {
  const wanted = new Set(targets);
  const needed: GraphNode[] = [];
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const node = graph.nodes[index]!;
    if (!node.outputs.some(output => wanted.has(output) && !stops.has(output))) continue;
    needed.push(node);
    for (const name of dependenciesOf(node)) if (!stops.has(name)) wanted.add(name);
  }
  return needed.reverse();
}

/**
 * Tensors that every path of data from the sources to the target passes through, in topological order, the target
 * itself last. A node lies on every path exactly when no tensor jumps over it (from an earlier node to a later one)
 * among the nodes that lie on any path; of its outputs only one may be used then.
 */
export function dominatingTensors(graph: Graph, sources: readonly string[], target: string): string[] {
  const dependent = dependentTensors(graph, sources);
  const isPath = (name: string) => dependent.has(name);
  const path = dataPath(graph, dependent, target);
  const position = new Map<string, number>();
  for (const name of sources) position.set(name, -1);
  path.forEach((node, index) => {
    for (const output of node.outputs) if (isPath(output)) position.set(output, index);
  });

  // lastUse[i]: the furthest node that reads anything made by node i − 1 (index 0 stands for the sources).
  const lastUse = new Array<number>(path.length + 1).fill(-1);
  const used = path.map(() => new Set<string>());
  path.forEach((node, index) => {
    for (const name of dependenciesOf(node)) {
      const from = isPath(name) ? position.get(name) : undefined;
      if (from === undefined) continue;
      lastUse[from + 1] = Math.max(lastUse[from + 1]!, index);
      if (from >= 0) used[from]!.add(name);
    }
  });
  const end = position.get(target);
  if (end === undefined || end < 0) return [];

  const dominating: string[] = [];
  let furthest = lastUse[0]!;
  for (let index = 0; index <= end; index++) {
    if (furthest <= index && index < end && used[index]!.size === 1) dominating.push([...used[index]!][0]!);
    furthest = Math.max(furthest, lastUse[index + 1]!);
  }
  return [...dominating, target];
}

/** Nodes that carry data to the target, in topological order. */
function dataPath(graph: Graph, dependent: ReadonlySet<string>, target: string): GraphNode[] {
  const wanted = new Set([target]);
  const path: GraphNode[] = [];
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const node = graph.nodes[index]!;
    if (isShapeOnly(node) || !node.outputs.some(output => wanted.has(output) && dependent.has(output))) continue;
    path.push(node);
    for (const name of dependenciesOf(node)) if (dependent.has(name)) wanted.add(name);
  }
  return path.reverse();
}

/** It reads a tensor's shape, never its values. */
export function isShapeOnly(node: GraphNode): boolean {
  return node.domain === '' && SHAPE_ONLY.has(node.op);
}
