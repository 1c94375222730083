import type { Graph } from './graph.ts';

/** What the metadata of a model with the explanation inside begins with (docs/export.md). */
export const EXPORT_METADATA = 'onnx_cam.';

type Said = Pick<Graph, 'metadata'>;

/** The version of this package that wrote the explanation into a model; undefined for other models. */
export const exportedBy = ({ metadata }: Said): string | undefined => metadata.get(`${EXPORT_METADATA}version`);

/** The output that holds maps, not scores; undefined for models without one, whatever their metadata says. */
export const mapOutputOf = (graph: Said): string | undefined =>
  exportedBy(graph) === undefined ? undefined : graph.metadata.get(`${EXPORT_METADATA}output`);
