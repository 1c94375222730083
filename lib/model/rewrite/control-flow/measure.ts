import { clone, create } from '@bufbuild/protobuf';
import { AttributeProtoSchema, GraphProtoSchema, NodeProtoSchema } from 'onnx-buf';
import { Attributes } from '../../graph/attributes.ts';
import type { Graph, GraphNode } from '../../graph/graph.ts';
import { makeValueInfo } from '../../graph/value-info.ts';

/**
 * A graph whose Loops report how often they ran: each gets one more output with a row for every time.
 * @returns the graph, and the name of that output by Loop
 */
export function withTripCounts(graph: Graph, loops: readonly GraphNode[]) {
  const counts = new Map<GraphNode, string>();
  const copy = graph.clone();
  copy.replaceNodes(
    graph.nodes.map(node => {
      if (!loops.includes(node)) return node;
      const name = `onnx_cam/trips/${counts.size}`;
      counts.set(node, name);
      const protos = node.attributes.protos.map(proto => {
        if (proto.name !== 'body' || !proto.g) return proto;
        const body = clone(GraphProtoSchema, proto.g);
        const row = `${name}/row`;
        body.node.push(create(NodeProtoSchema, { opType: 'Identity', input: [body.input[0]!.name], output: [row] }));
        body.output.push(makeValueInfo(row, 'int64', []));
        return create(AttributeProtoSchema, { name: proto.name, type: proto.type, g: body });
      });
      return { ...node, outputs: [...node.outputs, name], attributes: new Attributes(protos) };
    }),
  );
  return { graph: copy, counts };
}
