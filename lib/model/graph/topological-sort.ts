import { OnnxCamError } from '../../common/errors.ts';
import { pushAll } from '../../common/sizes.ts';
import type { GraphNode } from './graph.ts';
import { dependenciesOf } from './subgraphs.ts';

/**
 * Nodes in an order where every tensor is made before it is read; nodes stay in file order where that is one already.
 * Throws `ERR_MODEL_INVALID` on a cycle, a tensor made twice, or one that nothing makes.
 * @param given names that exist before the first node: inputs and initializers
 */
export function sortTopologically(nodes: readonly GraphNode[], given: ReadonlySet<string>): GraphNode[] {
  const producers = new Map<string, GraphNode>();
  for (const node of nodes)
    for (const output of node.outputs) {
      if (!output) continue;
      if (producers.has(output) || given.has(output))
        throw new OnnxCamError('ERR_MODEL_INVALID', `tensor "${output}" is defined twice (again by ${describe(node)})`);
      producers.set(output, node);
    }

  const sorted: GraphNode[] = [];
  const state = new Map<GraphNode, 'open' | 'done'>();
  for (const root of nodes) {
    const stack = [root];
    for (let node = stack.at(-1); node; node = stack.at(-1)) {
      if (state.get(node) === 'done') {
        stack.pop();
        continue;
      }
      const revisited = state.get(node) === 'open';
      state.set(node, 'open');
      const waiting = missingProducers(node, producers, given).filter(producer => state.get(producer) !== 'done');
      if (waiting.length === 0) {
        state.set(node, 'done');
        sorted.push(node);
        stack.pop();
      } else if (revisited || waiting.some(producer => state.get(producer) === 'open')) {
        throw new OnnxCamError('ERR_MODEL_INVALID', `the graph has a cycle through ${describe(node)}`);
      } else pushAll(stack, waiting.reverse());
    }
  }
  return sorted;
}

function missingProducers(
  node: GraphNode,
  producers: ReadonlyMap<string, GraphNode>,
  given: ReadonlySet<string>,
): GraphNode[] {
  return dependenciesOf(node).flatMap(name => {
    const producer = producers.get(name);
    if (producer) return [producer];
    if (given.has(name)) return [];
    throw new OnnxCamError('ERR_MODEL_INVALID', `${describe(node)} reads tensor "${name}", which nothing defines`);
  });
}

function describe(node: GraphNode): string {
  return node.name ? `node "${node.name}" (${node.op})` : `a node of type ${node.op}`;
}
