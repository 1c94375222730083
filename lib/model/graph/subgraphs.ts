import { type AttributeProto, AttributeProto_AttributeType as AttributeType, type GraphProto } from 'onnx-buf';
import type { GraphNode } from './graph.ts';

/** The bodies of If, Loop, Scan and the like among a node's attributes. */
export function subgraphsOf(attributes: readonly AttributeProto[]): GraphProto[] {
  return attributes.flatMap(attribute => {
    if (attribute.type === AttributeType.GRAPH && attribute.g) return [attribute.g];
    return attribute.type === AttributeType.GRAPHS ? attribute.graphs : [];
  });
}

const cache = new WeakMap<GraphNode, readonly string[]>();

/** Every tensor a node needs: its inputs and the outer tensors that its subgraphs read by name; without repetition. */
export function dependenciesOf(node: GraphNode): readonly string[] {
  let names = cache.get(node);
  if (!names) {
    const all = new Set(node.inputs);
    for (const body of subgraphsOf(node.attributes.protos)) for (const name of capturedBy(body)) all.add(name);
    all.delete('');
    names = [...all];
    cache.set(node, names);
  }
  return names;
}

/** Names that a subgraph reads but does not define. */
export function capturedBy(body: GraphProto): Set<string> {
  const defined = new Set([...body.input.map(value => value.name), ...body.initializer.map(weight => weight.name)]);
  for (const node of body.node) for (const output of node.output) defined.add(output);
  const captured = new Set<string>();
  const read = (name: string) => {
    if (name && !defined.has(name)) captured.add(name);
  };
  for (const node of body.node) {
    node.input.forEach(read);
    for (const inner of subgraphsOf(node.attribute)) capturedBy(inner).forEach(read);
  }
  for (const output of body.output) read(output.name);
  return captured;
}
