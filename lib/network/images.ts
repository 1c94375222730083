import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { isFloat32Array } from '../common/kinds.ts';
import type { Tensor } from '../engine/tensor.ts';
import { type OpenPicture, openPicture, type RgbImage } from '../image/decode.ts';
import type { DecodeOptions } from '../image/decode-options.ts';
import type { DeepRgb, Depth } from '../image/depth.ts';
import {
  changedPlacement,
  type InputChange,
  type InputSize,
  type Placement,
  place,
  type Size,
} from '../image/geometry.ts';
import { type MapSize, shownSize } from '../image/map-size.ts';
import { type PreparedImage, prepareImage, scaleFor } from '../image/preprocess.ts';
import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import { type LentPicture, type PictureView, type RawPicture, rawPicture } from '../image/raw-picture.ts';
import { type DetectedSource, detectSource, type ImageSource, type TensorInput } from '../image/source.ts';
import { tensorPicture } from '../image/tensor-picture.ts';
import { resizeAntialiased } from '../kernels/index.ts';
import { concatenated } from '../kernels/map-values.ts';
import type { ImageInput } from '../model/find/input.ts';
import { toNumber } from '../model/graph/tensor-values.ts';
import { depthWarnings, lossWarnings, wholeFor } from './picture-values.ts';
import type { Preprocessing } from './preprocessing.ts';

/** What `explain` takes: a picture in any form, or a preprocessed tensor. */
export type ExplainSource = ImageSource | TensorInput;

/** How pictures are read, for all of an explainer's. */
export interface Reading {
  readonly preprocessing: () => Preprocessing;
  readonly decoding: DecodeOptions;
}

/** What a call decides. */
export interface ReadingCall {
  readonly signal?: AbortSignal | undefined;
  /** What maps will be as large as, and with them the picture for overlays. */
  readonly mapSize?: MapSize;
}

/** Pixels of a picture that stay in memory with its results: 50 MB. Those of larger ones are decoded again for overlays. */
const KEPT_PIXELS = 2 ** 24;

/** One image ready for the network. */
export interface ReadyImage {
  /** [1, …] in the model's layout. */
  readonly tensor: Tensor<'float32'>;
  /** Where the original picture lies in the input; a tensor is its own picture. */
  readonly placement: Placement;
  /** Slices of a volume, frames of a clip; undefined for pictures. */
  readonly depth?: number;
  /** The original picture for overlays; for a tensor its channels stretched to 0..255, of a volume one plane. */
  readonly picture: (view?: PictureView) => Promise<LentPicture>;
  /**
   * The picture preprocessed anew for another size of the input, bicubic, while the call runs; undefined for tensors and pictures of
   * more than 8 bits.
   */
  readonly atSize?: (size: Size) => Promise<Tensor<'float32'>>;
  /** Null for tensors. */
  readonly preprocess: ResolvedPreprocess | null;
  readonly warnings: readonly string[];
  readonly milliseconds: number;
}

/** Size of the network's input for an image. */
export function inputSize({ placement, depth }: Pick<ReadyImage, 'placement' | 'depth'>): InputSize {
  return depth === undefined ? placement.input : { ...placement.input, depth };
}

/**
 * The image with another input in the place of its own, which it was made of: explained as the image itself, its maps lie
 * over the original picture.
 * @param tensor in the layout of the image's own
 * @param change how the image's own input lies in it; by default pixel on pixel
 */
export function withTensor(image: ReadyImage, tensor: Tensor<'float32'>, change?: InputChange): ReadyImage {
  const placement = change ? changedPlacement(image.placement, change) : image.placement;
  return { ...image, tensor, placement, atSize: undefined };
}

/** The single images behind what the user gave: a tensor with N > 1 stands for N. */
export function splitSources(
  source: ExplainSource | readonly ExplainSource[],
  input: Pick<ImageInput, 'dims' | 'axes'>,
): {
  readonly sources: DetectedSource[];
  /** Of each what the user gave. */
  readonly inputs: ExplainSource[];
  /** True when the result is an array. */
  readonly several: boolean;
} {
  const several = Array.isArray(source);
  const split = (several ? source : [source as ExplainSource]).map(one => ({
    one,
    parts: splitTensor(detectSource(one), input),
  }));
  const sources = split.flatMap(({ parts }) => parts);
  const inputs = split.flatMap(({ one, parts }) => parts.map(() => one));
  return { sources, inputs, several: several || sources.length > 1 };
}

function splitTensor(source: DetectedSource, input: Pick<ImageInput, 'dims' | 'axes'>): DetectedSource[] {
  if (source.kind !== 'tensor') return [source];
  const { type, data } = source.tensor;
  const dims = withChannel(source.tensor.dims, input);
  const [count, ...rest] = dims as [number, ...number[]];
  if (dims.length < input.dims.length || count === 1) return [{ kind: 'tensor', tensor: { ...source.tensor, dims } }];
  const size = data.length / count;
  return Array.from({ length: count }, (_, n) => ({
    kind: 'tensor',
    tensor: { type, data: data.subarray(n * size, (n + 1) * size), dims: [1, ...rest] } as TensorInput,
  }));
}

/** Grey pictures [N,H,W] get the axis that the model leaves out. */
function withChannel(dims: readonly number[], { axes }: Pick<ImageInput, 'axes'>): readonly number[] {
  return axes === 'nhw' && dims.length === 3 ? [dims[0]!, 1, ...dims.slice(1)] : dims;
}

/**
 * Decodes and preprocesses a picture, or checks a tensor against the model's input.
 * @throws `ERR_IMAGE_NOT_FOUND`, `ERR_IMAGE_INVALID`, `ERR_INPUT_SHAPE`, `ERR_ABORTED`
 */
export async function readImage(
  source: DetectedSource,
  input: ImageInput,
  reading: Reading,
  call: ReadingCall,
): Promise<ReadyImage> {
  throwIfAborted(call.signal);
  return source.kind === 'tensor' ? readTensor(source.tensor, input, call) : readPicture(source, input, reading, call);
}

async function readPicture(
  source: Exclude<DetectedSource, { kind: 'tensor' }>,
  input: ImageInput,
  { preprocessing, decoding }: Reading,
  { signal, mapSize = 'picture' }: ReadingCall,
): Promise<ReadyImage> {
  const start = performance.now();
  if (input.dims.length === 5)
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `the model's input "${input.name}" takes volumes or clips ([${shown(input)}]); give a tensor instead of a picture`,
    );
  const { resolved, notes } = preprocessing();
  const { size, fit, interpolation } = resolved;
  const opened = await openPicture(source, { limitInputPixels: decoding.limitInputPixels, signal });
  const placement = place(opened, { width: size[0], height: size[1] }, fit, resolved);
  const overlaid = shownSize(mapSize, opened);
  if (opened.depth)
    return readDeep(opened, opened.depth, source, { input, resolved, notes, placement, overlaid, start, signal });
  const small =
    decoding.decode === 'fast' && interpolation !== 'nearest'
      ? opened.decodeSmall(placement.resized, interpolation === 'bicubic' ? 'cubic' : 'linear', signal)
      : undefined;
  const image = await (small ?? opened.decode(signal));
  const isLarge = source.kind !== 'raw' && image.width * image.height > KEPT_PIXELS;
  const { warnings, ...prepared } = wholePicture(input, await prepareImage(image, resolved, { placement, signal }));
  const isKept = !small && !isLarge && overlaid.width === image.width && overlaid.height === image.height;
  return {
    ...prepared,
    atSize: size => preparedAt(opened, resolved, input, size),
    picture: isKept ? async () => ({ picture: raw(image), spare: false }) : decodedAgain(opened, source, overlaid),
    preprocess: resolved,
    warnings: [...notes, ...warnings],
    milliseconds: performance.now() - start,
  };
}

/** The picture preprocessed for another size of the input. */
async function preparedAt(
  opened: OpenPicture,
  resolved: ResolvedPreprocess,
  input: ImageInput,
  { width, height }: Size,
): Promise<Tensor<'float32'>> {
  const { size, resize } = resolved;
  const ratio = Math.min(width / size[0], height / size[1]);
  const scaled: ResolvedPreprocess = {
    ...resolved,
    size: [width, height],
    interpolation: 'bicubic',
    resize: resize == null ? resize : Math.max(1, Math.round(resize * ratio)),
  };
  const { tensor } = wholePicture(input, await prepareImage(await opened.decode(), scaled));
  return tensor;
}

/** A picture as the input's type holds it, and what of it that changes. */
function wholePicture(
  input: ImageInput,
  { tensor, placement }: PreparedImage,
): PreparedImage & { readonly warnings: readonly string[] } {
  const data = wholeFor(input, tensor.data);
  return { tensor: { ...tensor, data }, placement, warnings: lossWarnings(input, tensor.data, data) };
}

/** A picture of more than 8 bits. Its pixels are not kept: those that are shown are others. */
async function readDeep(
  opened: OpenPicture,
  depth: Depth,
  source: DetectedSource,
  {
    input,
    resolved,
    notes,
    placement,
    overlaid,
    start,
    signal,
  }: {
    readonly input: ImageInput;
    readonly resolved: ResolvedPreprocess;
    readonly notes: readonly string[];
    readonly placement: Placement;
    readonly overlaid: Size;
    readonly start: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<ReadyImage> {
  const deep = await opened.decodeDeep(depth, signal);
  const { warnings: losses, ...prepared } = wholePicture(
    input,
    await prepareImage(deep, resolved, { placement, signal, depth }),
  );
  const again = decodedAgain(opened, source, overlaid);
  const shownGrey = async ({ ownSize }: PictureView = {}) =>
    lentAt(await shownDeep(await opened.decodeDeep(depth)), ownSize ? opened : overlaid);
  return {
    ...prepared,
    picture: depth.isColour ? again : shownGrey,
    preprocess: { ...resolved, scale: scaleFor(resolved, depth) },
    warnings: [...notes, ...losses, ...depthWarnings(prepared, resolved, depth, input)],
    milliseconds: performance.now() - start,
  };
}

/** A picture as overlays show it, of that size or larger: of JPEG and WebP no more pixels are decoded than it takes. @throws as `decode` */
export async function shownPicture(opened: OpenPicture, size: Size): Promise<RawPicture> {
  const { depth } = opened;
  if (depth && !depth.isColour) return shownDeep(await opened.decodeDeep(depth));
  return raw(await (opened.decodeSmall(size, 'linear') ?? opened.decode()));
}

/** From the least to the largest value, as viewers of such pictures show them. */
function shownDeep({ data, width, height }: DeepRgb): Promise<RawPicture> {
  const floats = isFloat32Array(data) ? data : Float32Array.from(data);
  return tensorPicture({ data: floats, dims: [height, width, 3], layout: 'nhwc' });
}

/** For results that are kept: the file's bytes are far fewer than the pixels, which only overlays need. */
function decodedAgain(opened: OpenPicture, { kind }: DetectedSource, size: Size): ReadyImage['picture'] {
  // Bytes of files and streams are nobody else's.
  if (kind !== 'file' && kind !== 'body') opened.keep();
  return async ({ ownSize } = {}) => {
    const small = ownSize ? undefined : opened.decodeSmall(size, 'linear');
    return lentAt(raw(await (small ?? opened.decode())), ownSize ? opened : size);
  };
}

/** A picture that nobody else has, brought to a size. */
async function lentAt(picture: RawPicture, { width, height }: Size): Promise<LentPicture> {
  if (picture.info.width === width && picture.info.height === height) return { picture, spare: true };
  const window = { x: 0, y: 0, width, height };
  const { data } = await resizeAntialiased(picture, { width, height, window, interpolation: 'bilinear' });
  return { picture: rawPicture(data, width, height), spare: true };
}

const raw = ({ data, width, height }: RgbImage): RawPicture => rawPicture(data, width, height);

function readTensor(tensor: TensorInput, input: ImageInput, { mapSize = 'picture' }: ReadingCall): ReadyImage {
  const dims = tensor.dims.length === input.dims.length - 1 ? [1, ...tensor.dims] : tensor.dims;
  const expected = expectedDims(input);
  if (dims.length !== expected.length || expected.some((dim, axis) => dim !== undefined && dim !== dims[axis]))
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `the model's input "${input.name}" takes [${shown(input)}], the tensor is [${tensor.dims.join(',')}]`,
    );
  if (tensor.type !== 'float32' && tensor.type !== input.stored)
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `the model's input "${input.name}" takes ${input.stored === 'float32' ? 'float32' : `${input.stored} (or float32)`}, the tensor is ${tensor.type}; convert its values`,
    );
  const data = wholeFor(input, floatsOf(tensor));
  const { layout } = input;
  const [height, width] = (layout === 'nhwc' ? dims.slice(1, 3) : dims.slice(-2)) as [number, number];
  const depth = layout === 'ncdhw' ? dims[2] : layout === 'ntchw' ? dims[1] : undefined;
  const size = { width, height };
  return {
    tensor: { type: 'float32', data, dims },
    placement: place(size, size, 'squeeze'),
    depth,
    picture: async (view = {}) => {
      const picture = await tensorPicture({ data, dims: dims.slice(1), layout }, view);
      if (depth !== undefined) return { picture, spare: true };
      return lentAt(picture, view.ownSize ? size : shownSize(mapSize, size));
    },
    preprocess: null,
    warnings: [],
    milliseconds: 0,
  };
}

function floatsOf(tensor: TensorInput): Float32Array {
  const { type, data } = tensor;
  if (type === 'float32') return data as Float32Array;
  const plain = type !== 'float16' && type !== 'bfloat16' && type !== 'int64' && type !== 'uint64';
  if (plain) return new Float32Array(data as Float64Array | Uint8Array);
  return Float32Array.from({ length: data.length }, (_, i) => toNumber(tensor, i));
}

function shown(input: ImageInput): string {
  return expectedDims(input)
    .map((dim, axis) => (axis === 0 ? 'N' : (dim ?? '?')))
    .join(',');
}

function expectedDims({ layout, channels, height, width, depth }: ImageInput): (number | undefined)[] {
  if (layout === 'nhwc') return [1, height, width, channels];
  if (layout === 'ntchw') return [1, depth, channels, height, width];
  return layout === 'ncdhw' ? [1, channels, depth, height, width] : [1, channels, height, width];
}

/** Stacks single images; their tensors must have one shape. Images that lie one behind the other already are not copied. */
export async function stack(tensors: readonly Tensor<'float32'>[]): Promise<Tensor<'float32'>> {
  const [first] = tensors as [Tensor<'float32'>];
  if (tensors.length === 1) return first;
  const size = first.data.length;
  const dims = [tensors.length, ...first.dims.slice(1)];
  const { buffer, byteOffset } = first.data;
  if (tensors.every(({ data }, n) => data.buffer === buffer && data.byteOffset === byteOffset + 4 * n * size))
    return { type: 'float32', data: new Float32Array(buffer, byteOffset, size * tensors.length), dims };
  return { type: 'float32', data: await concatenated(tensors.map(({ data }) => data)), dims };
}
