import { packageVersion } from '#package';
import { OnnxCamError } from '../../common/errors.ts';
import type { Graph, ModelAbout } from '../graph/graph.ts';
import { dependenciesOf, subgraphsOf } from '../graph/subgraphs.ts';
import { encodeModel, referTo } from './encode-model.ts';
import { externalPlace } from './external-data.ts';

/** protobuf messages end at 2 GiB. */
const MAX_MESSAGE = 2 ** 31 - 1;

/**
 * An ONNX file of a graph, for others than this library: with metadata, without weights and sets of operators that nothing uses.
 * Weights that were read from files beside the model and are as they were stay there, and the file belongs into their folder;
 * all others are inside.
 * @param about what the file says of itself
 * @throws OnnxCamError `ERR_MODEL_UNSUPPORTED` for more than 2 GiB inside, which one ONNX file cannot hold
 */
export function writeModel(graph: Graph, about: ModelAbout | undefined = graph.about): Uint8Array<ArrayBuffer> {
  const read = new Set([...graph.nodes.flatMap(dependenciesOf), ...graph.outputs.map(({ name }) => name)]);
  let size = 0;
  const weights = [...graph.initializers.values()].flatMap(weight => {
    if (!read.has(weight.name)) return [];
    const place = externalPlace(weight);
    if (place) return [referTo(weight, place)];
    size += weight.rawData.byteLength;
    return [weight];
  });
  if (size > MAX_MESSAGE)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `${size} bytes of weights do not fit into one ONNX file (2 GiB); save the model with its weights in a file beside it ` +
        '(onnx.save_model with save_as_external_data) and load that',
    );
  const used = usedDomains(graph);
  const opsets = new Map([...graph.opsets].filter(([domain]) => used.has(domain)));
  return encodeModel(graph, { opsets, weights, about, metadata: graph.metadata, producerVersion: packageVersion() });
}

/** Bodies of control flow count with all that the graph imports: what they use is not looked through. */
function usedDomains(graph: Graph): ReadonlySet<string> {
  if (graph.nodes.some(({ attributes }) => subgraphsOf(attributes.protos).length > 0))
    return new Set(graph.opsets.keys());
  return new Set(['', ...graph.nodes.map(({ domain }) => domain)]);
}
