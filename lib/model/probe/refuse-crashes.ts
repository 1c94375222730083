import { OnnxCamError } from '../../common/errors.ts';
import { elementCount } from '../../engine/tensor.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';

/** Shape of a tensor, where it is known. */
export type DimsOf = (tensor: string) => readonly number[] | undefined;

/** Operators that slide a window over feature maps. */
const WINDOWED: ReadonlySet<string> = new Set([
  'AveragePool',
  'Conv',
  'ConvInteger',
  'ConvTranspose',
  'LpPool',
  'MaxPool',
  'QLinearConv',
]);

/**
 * Refuses what ONNX Runtime ends the process on, instead of answering with an error. Resize and Upsample copy their scales
 * into an array with a place for each axis of the picture (1.18 to 1.29); quantised convolutions, also those that its
 * optimiser makes, divide by the number of positions, which is zero where a window is larger than what it slides over.
 * @throws OnnxCamError `ERR_MODEL_INVALID`
 */
export function refuseCrashes(graph: Graph, dimsOf: DimsOf): void {
  for (const node of graph.nodes) {
    if (WINDOWED.has(node.op)) refuseEmpty(node, dimsOf);
    if (node.domain !== '' || (node.op !== 'Resize' && node.op !== 'Upsample')) continue;
    const rank = dimsOf(node.inputs[0] ?? '')?.length;
    if (rank === undefined) continue;
    const axes = node.attributes.ints('axes')?.length ?? rank;
    for (const [position, expected] of factorsOf(node, graph.opset, axes)) {
      const dims = dimsOf(node.inputs[position] ?? '');
      const count = dims && elementCount(dims);
      // Left out, some exporters write an empty tensor.
      if (count === undefined || count === 0 || (count === expected && dims!.length === 1)) continue;
      throw new OnnxCamError(
        'ERR_MODEL_INVALID',
        `${node.op} (node "${node.name}") takes ${expected} numbers as its input ${position}, not a tensor of shape [${dims}]`,
      );
    }
  }
}

function refuseEmpty({ op, name, inputs, outputs }: GraphNode, dimsOf: DimsOf): void {
  const empty = [inputs[0], outputs[0]].find(tensor => dimsOf(tensor ?? '')?.includes(0));
  if (!empty) return;
  throw new OnnxCamError(
    'ERR_MODEL_INVALID',
    `${op} (node "${name}") works on nothing: "${empty}" has shape [${dimsOf(empty)}]. Where the model takes pictures of any size ` +
      'give a larger one (`preprocess: { size }`)',
  );
}

/** Inputs that hold one number for each axis (of a region two), and how many. */
function factorsOf({ op, attributes }: GraphNode, opset: number, axes: number): [number, number][] {
  if (op === 'Upsample' || opset < 11) return [[1, axes]];
  const cuts = attributes.string('coordinate_transformation_mode') === 'tf_crop_and_resize';
  return [...(cuts ? [[1, 2 * axes] as [number, number]] : []), [2, axes], [3, axes]];
}
