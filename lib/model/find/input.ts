import { OnnxCamError } from '../../common/errors.ts';
import { named } from '../../common/named.ts';
import { MAX_BATCH } from '../../common/sizes.ts';
import { didYouMean } from '../../common/suggest.ts';
import { elementCount, type Tensor, type TensorType } from '../../engine/tensor.ts';
import type { ImageLayout } from '../../image/layout.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { dimsOf } from '../graph/tensor-values.ts';
import { type DeclaredDim, type DeclaredValue, describeValue } from '../graph/value-info.ts';

/** The input that takes pictures. */
export interface ImageInput {
  readonly name: string;
  readonly type: TensorType;
  /** What the file says: `type` may be float32 where whole numbers are cast before anything is computed. */
  readonly stored: TensorType;
  /** Of an input of three axes: which they are; `dims` and everything else is said of four. */
  readonly axes?: 'chw' | 'hwc' | 'nhw';
  readonly layout: ImageLayout;
  readonly channels: number;
  /** undefined: the model takes any size. */
  readonly height: number | undefined;
  readonly width: number | undefined;
  /** Of volumes (`ncdhw`) their slices, of clips (`ntchw`) their frames. */
  readonly depth: number | undefined;
  /** The model's batch size; undefined: any. */
  readonly batch: number | undefined;
  /** As declared: sizes, or names of dynamic axes. */
  readonly dims: readonly DeclaredDim[];
}

export interface InputOptions {
  /** Name of the image input. */
  readonly input?: string;
  /** Fixed tensors for the other inputs. */
  readonly inputs?: Readonly<Record<string, Tensor>>;
}

const IMAGE_TYPES: readonly string[] = [
  ...['float32', 'float16', 'float64', 'bfloat16'],
  ...['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'int64'],
];
/** Of several inputs those of these types are more likely indices and masks. */
const INDEX_TYPES: readonly (string | undefined)[] = ['uint32', 'int32', 'int64'];
const PICTURE_CHANNELS = [1, 3, 4];

/**
 * Finds the image input and its layout.
 * @throws OnnxCamError `ERR_MODEL_UNSUPPORTED` when no input takes an image, several do, or it takes strings;
 * `ERR_OPTION_INVALID` when an option names an input that the model does not have;
 * `ERR_INPUT_SHAPE` for a fixed tensor that an input does not take.
 */
export function describeInput(graph: Graph, options: InputOptions = {}): ImageInput {
  const declared = graph.inputs.map(describeValue);
  const names = declared.map(value => value.name);
  for (const name of [...Object.keys(options.inputs ?? {}), ...(options.input ? [options.input] : [])])
    if (!names.includes(name))
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `the model has no input "${name}"${didYouMean(name, names)}; it has ${list(declared)}`,
      );
  for (const value of declared) checkFixed(value, named(options.inputs, value.name));
  const free = declared.filter(value => named(options.inputs, value.name) === undefined);
  const value = options.input ? declared.find(({ name }) => name === options.input)! : pickImage(graph, free, declared);
  return describeImage(graph, value);
}

/** The inputs besides the image that no tensor is given for. */
export function missingInputs(
  graph: Graph,
  image: string,
  given: Readonly<Record<string, Tensor>> | undefined,
): readonly DeclaredValue[] {
  return graph.inputs.map(describeValue).filter(({ name }) => name !== image && named(given, name) === undefined);
}

/** What to say where tensors are missing. */
export function needsInputs(image: string, missing: readonly DeclaredValue[], cause?: unknown): OnnxCamError {
  return new OnnxCamError(
    'ERR_MODEL_UNSUPPORTED',
    `besides the image input "${image}" the model needs ${list(missing)}; give fixed tensors for them in the option ` +
      '`inputs` of load or of the call (--inputs NAME=FILE.npy), or name another image input in the option `input` (--input)',
    { cause },
  );
}

/** The first axis may be the batch, for which a tensor of 1 is repeated. */
function checkFixed(value: DeclaredValue, tensor: Tensor | undefined): void {
  if (!tensor) return;
  const { dims } = value;
  const fits = (dim: DeclaredDim, axis: number) => typeof dim !== 'number' || dim === tensor.dims[axis];
  const shaped = !dims || (dims.length === tensor.dims.length && dims.every(fits));
  const whole = tensor.data.length === elementCount(tensor.dims);
  if (tensor.type === value.type && shaped && whole) return;
  const given = `${tensor.type}[${tensor.dims}]${whole ? '' : ` of ${tensor.data.length} values`}`;
  throw new OnnxCamError('ERR_INPUT_SHAPE', `\`inputs\`: the model takes ${list([value])}, the tensor is ${given}`);
}

function pickImage(graph: Graph, free: readonly DeclaredValue[], all: readonly DeclaredValue[]): DeclaredValue {
  let images = free.filter(value => isImage(graph, value));
  // Of three axes only where nothing has four: texts and sequences have three as well.
  if (images.length === 0) images = free.filter(value => axesOf(graph, value) !== undefined);
  const pictures = images.filter(value => PICTURE_CHANNELS.includes(describeImage(graph, value).channels));
  if (images.length > 1 && pictures.length > 0) images = pictures;
  const values = images.filter(({ type }) => !INDEX_TYPES.includes(type));
  if (images.length > 1 && values.length > 0) images = values;
  const [image, second] = images;
  if (!image)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `no input takes an image (a tensor [N,C,H,W], [N,H,W,C], [C,H,W], [H,W,C], [N,H,W], [N,C,D,H,W] or [N,T,C,H,W] of numbers); the model has ${list(all)}`,
    );
  if (second)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `several inputs take images: ${list(images)}; name the one to explain in the option \`input\` (--input NAME) and give ` +
        'tensors for the others in the option `inputs` (--inputs NAME=FILE.npy)',
    );
  return image;
}

function isImage(graph: Graph, value: DeclaredValue): boolean {
  if (!value.type || !IMAGE_TYPES.includes(value.type)) return false;
  const rank = value.dims?.length ?? convolutionAfter(graph, value.name)?.rank;
  return rank === 4 || rank === 5;
}

function describeImage(graph: Graph, value: DeclaredValue): ImageInput {
  if (!value.type || !IMAGE_TYPES.includes(value.type))
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `input ${list([value])} takes no images: numbers are expected (${IMAGE_TYPES.join(', ')})`,
    );
  const convolution = convolutionAfter(graph, value.name);
  const axes = axesOf(graph, value);
  if (axes) return describeThree(value, value.dims as Three, axes);
  const dims = value.dims ?? new Array<DeclaredDim>(convolution?.rank ?? 0).fill('');
  if (dims.length !== 4 && dims.length !== 5)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `input ${list([value])} is no image: a tensor [N,C,H,W], [N,H,W,C], [C,H,W], [H,W,C], [N,H,W] or [N,C,D,H,W] is expected`,
    );
  const layout =
    dims.length === 5 ? layoutOf5(convolution?.rank) : isChannelsLast(graph, value.name, dims) ? 'nhwc' : 'nchw';
  const size = (axis: number) => (typeof dims[axis] === 'number' ? dims[axis] : undefined);
  const batch = size(0);
  if (batch !== undefined && batch > MAX_BATCH)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `input ${list([value])} is fixed to ${batch} images at once; at most ${MAX_BATCH} are supported: export the model ` +
        'with an open batch (or the file is damaged)',
    );
  const channels = size(CHANNEL_AXIS[layout]) ?? convolution?.channels ?? 3;
  const spatial = layout === 'nhwc' ? 1 : dims.length - 2;
  return {
    name: value.name,
    type: value.type as TensorType,
    stored: value.type as TensorType,
    layout,
    channels,
    height: size(spatial),
    width: size(spatial + 1),
    depth: layout === 'ncdhw' ? size(2) : layout === 'ntchw' ? size(1) : undefined,
    batch,
    dims,
  };
}

type Three = readonly [DeclaredDim, DeclaredDim, DeclaredDim];

/**
 * Which axes an input of three has: one picture with its channels first or last, or a batch of grey ones. Only where a
 * convolution over pictures of as many channels follows: nothing else tells them from sequences.
 */
function axesOf(graph: Graph, { name, type, dims }: DeclaredValue): ImageInput['axes'] {
  if (!type || !IMAGE_TYPES.includes(type) || dims?.length !== 3) return undefined;
  const convolution = convolutionAfter(graph, name, FAR);
  if (convolution?.rank !== 4) return undefined;
  const { channels } = convolution;
  if (dims[0] === channels && PICTURE_CHANNELS.includes(channels) && channels !== 1) return 'chw';
  if (dims[2] === channels) return 'hwc';
  if (channels === 1) return 'nhw';
  // Nothing is said of the sizes: the order in which the graph brings them before the convolution.
  if (dims[0] !== channels && typeof dims[0] === 'number') return undefined;
  const perm = followingNode(graph, name, ({ op }) => op === 'Transpose', FAR)
    ?.attributes.ints('perm')
    ?.join();
  return perm === '2,0,1' || perm === '0,3,1,2' ? 'hwc' : 'chw';
}

/** As the input of four axes that `adaptPictureInput` makes of it. */
function describeThree({ name, type }: DeclaredValue, [a, b, c]: Three, axes: 'chw' | 'hwc' | 'nhw'): ImageInput {
  const known = (dim: DeclaredDim) => (typeof dim === 'number' ? dim : undefined);
  const [height, width] = axes === 'hwc' ? [a, b] : [b, c];
  const channel = axes === 'chw' ? a : c;
  const channels = axes === 'nhw' ? 1 : (known(channel) ?? 3);
  const dims = axes === 'nhw' ? [a, 1, b, c] : axes === 'chw' ? [1, channels, b, c] : [1, a, b, channels];
  return {
    name,
    type: type as TensorType,
    stored: type as TensorType,
    axes,
    layout: axes === 'hwc' ? 'nhwc' : 'nchw',
    channels,
    height: known(height),
    width: known(width),
    depth: undefined,
    batch: known(dims[0]!),
    dims,
  };
}

const CHANNEL_AXIS: Readonly<Record<ImageLayout, number>> = { nchw: 1, nhwc: 3, ncdhw: 1, ntchw: 2 };

/** A network of plain convolutions takes its frames one by one. */
function layoutOf5(convolutionRank: number | undefined): 'ncdhw' | 'ntchw' {
  return convolutionRank === 4 ? 'ntchw' : 'ncdhw';
}

/** By the sizes where they tell; else by what the graph does first: a Transpose of the channels to the front. */
function isChannelsLast(graph: Graph, name: string, dims: readonly DeclaredDim[]): boolean {
  const first = PICTURE_CHANNELS.includes(dims[1] as number);
  const last = PICTURE_CHANNELS.includes(dims[3] as number);
  if (first !== last) return last;
  return (
    followingNode(graph, name, node => node.op === 'Transpose')
      ?.attributes.ints('perm')
      ?.join() === '0,3,1,2'
  );
}

function convolutionAfter(graph: Graph, name: string, steps?: number): { rank: number; channels: number } | undefined {
  const node = followingNode(graph, name, ({ op }) => op === 'Conv', steps);
  const weight = graph.initializers.get(node?.inputs[1] ?? '');
  if (!weight) return undefined;
  const dims = dimsOf(weight);
  return { rank: dims.length, channels: dims[1]! * node!.attributes.int('group', 1) };
}

/** Steps of a whole preprocessing inside the graph. */
const FAR = 24;

/** The first node that fits, a few steps of preprocessing (Cast, Sub, Mul, Pad …) after a tensor. */
function followingNode(
  graph: Graph,
  tensor: string,
  fits: (node: GraphNode) => boolean,
  steps = 8,
): GraphNode | undefined {
  let names = [tensor];
  for (let step = 0; step < steps && names.length > 0; step++) {
    const nodes = names.flatMap(name => graph.consumers(name));
    const found = nodes.find(fits);
    if (found) return found;
    names = nodes.filter(({ op }) => op !== 'Shape').flatMap(node => node.outputs.slice(0, 1));
  }
  return undefined;
}

function list(values: readonly DeclaredValue[]): string {
  if (values.length === 0) return 'none';
  return values
    .map(
      ({ name, type, dims }) =>
        `"${name}" ${type ?? 'of another type'}[${dims?.map(dim => dim || '?').join(',') ?? '?'}]`,
    )
    .join(', ');
}
