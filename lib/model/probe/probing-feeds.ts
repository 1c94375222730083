import { OnnxCamError } from '../../common/errors.ts';
import { zerosLike } from '../../common/kinds.ts';
import { checkedCount, MAX_DECLARED_INPUT, MAX_FED_INPUT } from '../../common/sizes.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { ImageInput } from '../find/input.ts';
import type { Graph } from '../graph/graph.ts';
import { describeValue } from '../graph/value-info.ts';
import { noiseTensor } from './noise-tensor.ts';

/** What a model is fed with while it is probed. */
export interface ProbingInputs {
  readonly input: ImageInput;
  /** Fixed tensors of the other inputs. */
  readonly inputs?: Readonly<Record<string, Tensor>>;
  /** Used where the model takes any size. */
  readonly width?: number;
  readonly height?: number;
  /** Slices of a volume, frames of a clip. */
  readonly depth?: number;
}

/** Sizes that models without a fixed size are probed at. */
export const DEFAULT_SIZE = 224;
const DEFAULT_DEPTH = 16;

/**
 * Shape of the image input for a batch of this size.
 * @throws OnnxCamError `ERR_MODEL_UNSUPPORTED` for one that is too large to run
 */
export function imageShape(batch: number, inputs: ProbingInputs): number[] {
  const shape = shapeOf(batch, inputs);
  const { input } = inputs;
  // Sizes that the file fixes are nobody's wish.
  const fixed = input.height !== undefined && input.width !== undefined;
  checkedCount(shape, `the image input "${input.name}"`, fixed ? MAX_DECLARED_INPUT : MAX_FED_INPUT);
  return shape;
}

function shapeOf(batch: number, { input, width, height, depth }: ProbingInputs): number[] {
  const h = input.height ?? height ?? DEFAULT_SIZE;
  const w = input.width ?? width ?? DEFAULT_SIZE;
  switch (input.layout) {
    case 'nchw':
      return [batch, input.channels, h, w];
    case 'nhwc':
      return [batch, h, w, input.channels];
    case 'ncdhw':
      return [batch, input.channels, input.depth ?? depth ?? DEFAULT_DEPTH, h, w];
    case 'ntchw':
      return [batch, input.depth ?? depth ?? DEFAULT_DEPTH, input.channels, h, w];
  }
}

/** Noise for the image (the same for the same batch), and the fixed tensors, repeated where their batch is dynamic. */
export function probingFeeds(graph: Graph, batch: number, options: ProbingInputs): Record<string, Tensor> {
  const { input, inputs } = options;
  const shape = imageShape(batch, options);
  const others = Object.entries(inputs ?? {})
    .filter(([name]) => name !== input.name)
    .map(
      ([name, tensor]) => [name, sharesBatch(graph, name, input.name) ? repeatBatch(tensor, batch) : tensor] as const,
    );
  return Object.fromEntries([[input.name, imageNoise(input, shape, batch)], ...others]);
}

/** In the values that the file's own type has, whatever holds them. */
function imageNoise({ type, stored }: ImageInput, shape: readonly number[], seed: number): Tensor {
  const noise = noiseTensor(stored, shape, seed);
  if (type === stored) return noise;
  return { type: 'float32', data: Float32Array.from(noise.data as ArrayLike<number | bigint>, Number), dims: shape };
}

/** True for an input whose first size the model leaves open. */
export function hasDynamicBatch(graph: Graph, input: string): boolean {
  const value = graph.inputs.find(({ name }) => name === input);
  return value !== undefined && typeof describeValue(value).dims?.[0] === 'string';
}

/**
 * True for an input whose first size is the image's batch: left open, and not under another name (pictures and texts have
 * batches of their own in a model of two towers).
 */
export function sharesBatch(graph: Graph, input: string, image: string): boolean {
  const first = (wanted: string) => {
    const value = graph.inputs.find(({ name }) => name === wanted);
    return value && describeValue(value).dims?.[0];
  };
  const [own, images] = [first(input), first(image)];
  return typeof own === 'string' && (own === '' || typeof images !== 'string' || images === '' || own === images);
}

/**
 * A tensor with batch 1, repeated; every other batch must be right already.
 * @throws OnnxCamError `ERR_INPUT_SHAPE` otherwise, `ERR_MODEL_UNSUPPORTED` where it gets too large
 */
export function repeatBatch(tensor: Tensor, batch: number): Tensor {
  const [own = 1, ...rest] = tensor.dims;
  if (own === batch || tensor.dims.length === 0) return tensor;
  if (own !== 1)
    throw new OnnxCamError('ERR_INPUT_SHAPE', `a fixed input tensor has batch ${own}; expected 1 or ${batch}`);
  const count = checkedCount([batch, ...rest], 'a fixed input, repeated for the batch,', MAX_FED_INPUT);
  const data = zerosLike(tensor.data as Float32Array, count);
  for (let i = 0; i < batch; i++) data.set(tensor.data as Float32Array, i * tensor.data.length);
  return { type: tensor.type, data, dims: [batch, ...rest] } as Tensor;
}
