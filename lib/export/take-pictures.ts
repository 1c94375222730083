import { OnnxCamError } from '../common/errors.ts';
import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import type { TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import { describeValue } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import { putBefore } from './own-input.ts';
import { appendPicture } from './picture/picture-in.ts';

/** Names of the picture's sides in the input's declaration. */
const SIDES = ['picture_height', 'picture_width'] as const;

/**
 * Lets a model's graph take pictures in the place of its image input, under the same name: uint8 [N, h, w, 3], RGB, as many at once as
 * the model takes and of any size.
 * @throws `ERR_MODEL_UNSUPPORTED` for models of volumes and clips and those that give their input back, and see {@link appendPicture} and {@link putBefore}
 */
export function takePictures(
  graph: Graph,
  facts: Map<string, TensorFacts>,
  { input }: Pick<Model, 'input'>,
  preprocess: ResolvedPreprocess,
): void {
  const { name, channels, layout, stored } = input;
  if (layout !== 'nchw' && layout !== 'nhwc')
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model's input "${name}" takes volumes or clips, which no single picture fills; leave out \`preprocess\``,
    );
  if (graph.outputs.some(output => output.name === name))
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model gives its input "${name}" back as an output, which a picture would take the place of; leave out \`preprocess\``,
    );
  const { dims } = facts.get(name)!;
  const [height, width] = (layout === 'nchw' ? dims.slice(2) : dims.slice(1, 3)) as [number, number];
  const declared = describeValue(graph.inputs.find(one => one.name === name)!).dims?.[0] ?? '';
  const count = dims[0] === -1 ? declared : dims[0]!;
  putBefore(graph, facts, name, 'uint8', [count, ...SIDES, 3], emit => {
    const picture = { name, type: 'uint8' as const, dims: [dims[0]!, -1, -1, 3] };
    return appendPicture(emit, picture, { channels, height, width, layout, stored }, preprocess);
  });
}
