import { throwIfAborted } from '../common/errors.ts';
import { isUint8Array } from '../common/kinds.ts';
import { float32Tensor, type Tensor } from '../engine/tensor.ts';
import {
  type DeepImage,
  imageToTensor,
  resizeAntialiased,
  resizeAntialiasedDeep,
  weightedSum,
} from '../kernels/index.ts';
import type { RgbImage } from './decode.ts';
import type { DeepRgb, Depth } from './depth.ts';
import { type Placement, place } from './geometry.ts';
import { LUMA, type ResolvedPreprocess } from './preprocess-options.ts';
import { type RawPicture, rawPicture } from './raw-picture.ts';

export interface PreparedImage {
  /** [1, C, H, W], or [1, H, W, C] for the layout nhwc. */
  readonly tensor: Tensor<'float32'>;
  readonly placement: Placement;
}

/** (pixel · scale − shift − mean) / std. */
export interface PixelRange {
  readonly scale: number;
  readonly shift: number;
}

/**
 * From an upright RGB picture to the model's input, with the pixels that Pillow and torchvision make: resize (antialiased
 * when shrinking), crop or letterbox, scale or range, mean and std. What no pixel lies on is `padColor` in a letterbox, by
 * default the mean colour, which is 0 after normalisation, and black around what is smaller than the part to be cut out.
 * @param image of more than 8 bits a channel where `options.depth` says so
 * @param options `placement` is that of the picture, where `image` is the same picture at a smaller size
 * @throws `ERR_ABORTED`.
 */
export async function prepareImage(
  image: RgbImage | DeepRgb,
  preprocess: ResolvedPreprocess,
  options: { readonly signal?: AbortSignal; readonly placement?: Placement; readonly depth?: Depth } = {},
): Promise<PreparedImage> {
  const { size, fit, layout, channels } = preprocess;
  const [width, height] = size;
  const placement = options.placement ?? place(image, { width, height }, fit, preprocess);
  throwIfAborted(options.signal);
  const pixels = await resized(image, preprocess, placement, options.signal);
  throwIfAborted(options.signal);
  const range = rangeOf(preprocess, options.depth);
  const values = await (channels === 1 ? greyTensor(pixels, preprocess, range) : rgbTensor(pixels, preprocess, range));
  const data = insertInto(values, placement, fillOf(preprocess), layout);
  const dims = layout === 'nchw' ? [1, channels, height, width] : [1, height, width, channels];
  return { tensor: float32Tensor(data, dims), placement };
}

async function resized(
  { data, width, height }: RgbImage | DeepRgb,
  { interpolation }: ResolvedPreprocess,
  { resized: size, window, target }: Placement,
  signal: AbortSignal | undefined,
): Promise<RawPicture | DeepImage> {
  const options = { ...size, interpolation, window, signal };
  if (isUint8Array(data)) {
    const result = await resizeAntialiased(rawPicture(data, width, height), options);
    return rawPicture(result.data, target.width, target.height);
  }
  return resizeAntialiasedDeep({ data, info: { width, height, channels: 3 } }, options);
}

/**
 * What a picture's values are scaled by. Presets are meant for 8 bits: pictures of more are brought to the same range.
 */
export function rangeOf(preprocess: ResolvedPreprocess, depth: Depth | undefined): PixelRange {
  const { range } = preprocess;
  const zero = depth?.zero ?? 0;
  const scale = range ? unitOf(preprocess) / (range[1] - range[0]) : scaleFor(preprocess, depth);
  return { scale, shift: scale * (zero + (range?.[0] ?? 0)) };
}

/** `preprocess.scale` of a picture of this depth. */
export function scaleFor(preprocess: ResolvedPreprocess, depth: Depth | undefined): number {
  if (!depth || preprocess.scaleGiven) return preprocess.scale;
  return unitOf(preprocess) / depth.largest;
}

/** What white is before mean and std: 1, or 255 with the preset 'raw'. */
function unitOf({ preset }: ResolvedPreprocess): number {
  return preset === 'raw' ? 255 : 1;
}

function rgbTensor(
  pixels: RawPicture | DeepImage,
  preprocess: ResolvedPreprocess,
  { scale, shift }: PixelRange,
): Promise<Float32Array> {
  const { std, channelOrder, layout } = preprocess;
  const mean = preprocess.mean.map(value => value + shift);
  return imageToTensor(pixels, { mean, std, scale, channelOrder, layout });
}

/** Σ luma_c · (x_c · scale − mean) / std: the luma weights add up to 1, so this is (grey · scale − mean) / std. */
async function greyTensor(
  pixels: RawPicture | DeepImage,
  { mean, std }: ResolvedPreprocess,
  { scale, shift }: PixelRange,
): Promise<Float32Array> {
  const repeat = (value: number) => LUMA.map(() => value);
  const data = await imageToTensor(pixels, {
    mean: repeat(mean[0]! + shift),
    std: repeat(std[0]!),
    scale,
    channelOrder: 'rgb',
    layout: 'nchw',
  });
  const rgb = { data, dims: [1, 3, pixels.info.height, pixels.info.width] };
  return (await weightedSum(rgb, Float32Array.from(LUMA))).data;
}

/** What lies where no pixel does, for each channel. */
export function fillOf(preprocess: ResolvedPreprocess): readonly number[] {
  const { fit, padColor, mean, std, channels } = preprocess;
  const scale = preprocess.range ? unitOf(preprocess) / 255 : preprocess.scale;
  const at = (color: number, c: number) => (color * scale - mean[c]!) / std[c]!;
  if (fit === 'crop') return mean.map((_, c) => at(0, c));
  return padColor ? padColor.map(at) : new Array<number>(channels).fill(0);
}

/** Puts the values of the placement's target, [C, h, w] or [h, w, C], into an input that is `fill` elsewhere. */
function insertInto(
  values: Float32Array,
  { input, target }: Placement,
  fill: readonly number[],
  layout: ResolvedPreprocess['layout'],
): Float32Array {
  if (target.width === input.width && target.height === input.height) return values;
  const channels = fill.length;
  const area = input.height * input.width;
  const data = new Float32Array(channels * area);
  const planes = layout === 'nchw' ? channels : 1;
  const step = layout === 'nchw' ? 1 : channels;
  if (planes === channels) for (let c = 0; c < channels; c++) data.fill(fill[c]!, c * area, (c + 1) * area);
  else if (fill.some(value => value !== 0)) for (let i = 0; i < data.length; i++) data[i] = fill[i % channels]!;
  const row = target.width * step;
  for (let plane = 0; plane < planes; plane++) {
    for (let y = 0; y < target.height; y++) {
      const from = (plane * target.height + y) * row;
      const to = ((plane * input.height + target.y + y) * input.width + target.x) * step;
      data.set(values.subarray(from, from + row), to);
    }
  }
  return data;
}
