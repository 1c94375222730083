import type { Value } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';
import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import type { TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import { batchName } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import { putBefore } from './own-input.ts';
import { appendPicture } from './picture-in.ts';

/**
 * What makes a copy of the model's graph take pictures, uint8 [N,h,w,3] in RGB of any size, under the name of its image input.
 * @throws `ERR_INPUT_SHAPE` for models of volumes and clips
 */
export function takePictures(
  { input, facts }: Model,
  preprocess: ResolvedPreprocess,
): (graph: Graph, known: Map<string, TensorFacts>) => void {
  const { name, channels, layout, stored } = input;
  if (layout !== 'nchw' && layout !== 'nhwc')
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `preprocess: true is for models of pictures, and "${name}" takes volumes or clips`,
    );
  const { dims } = facts.get(name)!;
  const [height, width] = (layout === 'nchw' ? dims.slice(2) : dims.slice(1, 3)) as [number, number];
  const count = dims[0]!;
  return (graph, known) => {
    const batch = count === -1 ? (batchName(graph.inputs.filter(one => one.name === name)) ?? 'N') : count;
    putBefore(graph, known, name, 'uint8', [batch, 'picture_height', 'picture_width', 3], emit => {
      const picture: Value = { name, type: 'uint8', dims: [count, -1, -1, 3] };
      return appendPicture(emit, picture, { channels, height, width, layout, stored }, preprocess);
    });
  };
}
