import { neededNodes } from './data-flow.ts';
import { Graph } from './graph.ts';
import { dependenciesOf } from './subgraphs.ts';

/** Models that hold an explanation (docs/export.md), as their metadata and the names of what was added say. */

export const EXPORT_METADATA = 'onnx_cam.';

/** The output with the map. */
export const MAP_OUTPUT = 'saliency_map';

/** The input that says which class of each image is explained: int64 [N], −1 for the one with the largest logit. */
export const CLASS_INPUT = 'cam_class';

/** The version of this package that wrote the explanation into a model; undefined for other models. */
export const exportedBy = ({ metadata }: Pick<Graph, 'metadata'>): string | undefined =>
  metadata.get(`${EXPORT_METADATA}version`);

/** The model that an export was made of: without the map and all that is there for it alone. Other graphs as they are. */
export function withoutExplanation(graph: Graph): Graph {
  const outputs = graph.outputs.filter(({ name }) => name !== MAP_OUTPUT);
  if (exportedBy(graph) === undefined || outputs.length === 0 || outputs.length === graph.outputs.length) return graph;
  const names = outputs.map(({ name }) => name);
  const nodes = neededNodes(graph, names);
  const read = new Set([...nodes.flatMap(dependenciesOf), ...names]);
  const { opsets, irVersion, metadata, about, shapes } = graph;
  return new Graph({
    inputs: graph.inputs.filter(({ name }) => name !== CLASS_INPUT),
    outputs,
    nodes,
    initializers: new Map([...graph.initializers].filter(([name]) => read.has(name))),
    shapes,
    opsets,
    irVersion,
    metadata,
    about,
  });
}
