import type { FactTable } from '../model/graph/facts.ts';
import type { Graph, GraphNode } from '../model/graph/graph.ts';
import type { Obstacle } from './context.ts';
import { findPath, type Path } from './path.ts';
import { WHY_NO_RULE } from './reasons.ts';
import { operatorOf, type RuleSet } from './rule.ts';
import { gradientRules } from './rules/index.ts';

/**
 * Nodes between the tensors `wrt` and a score whose operators have no rule: what a caller asks before choosing a method
 * that needs gradients. An empty list does not promise success: a rule may still refuse unusual attributes.
 */
export function findObstacles(
  graph: Graph,
  facts: FactTable,
  score: string,
  wrt: readonly string[],
  rules: RuleSet = gradientRules,
): Obstacle[] {
  return obstaclesOn(findPath(graph, facts, rules, [score], wrt), rules);
}

export function obstaclesOn(path: Path, rules: RuleSet): Obstacle[] {
  return path.nodes.filter(node => !rules.has(operatorOf(node))).map(obstacleOf);
}

export function obstacleOf(node: GraphNode): Obstacle {
  const op = operatorOf(node);
  const reason = Object.hasOwn(WHY_NO_RULE, op) ? WHY_NO_RULE[op] : undefined;
  return { op, node: node.name || node.outputs[0]!, ...(reason && { reason }) };
}
