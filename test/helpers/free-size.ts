import { parseModel } from '../../lib/model/file/parse-model.ts';
import { writeModel } from '../../lib/model/file/write-model.ts';
import { describeValue, makeValueInfo } from '../../lib/model/graph/value-info.ts';

/** A model [N,C,H,W] with its height and width made dynamic. */
export function freeSize(bytes: Uint8Array): Uint8Array {
  const graph = parseModel(bytes);
  const { name, type, dims } = describeValue(graph.inputs[0]!);
  graph.inputs[0] = makeValueInfo(name, type as 'float32', ['batch', dims![1]!, 'height', 'width']);
  return writeModel(graph);
}
