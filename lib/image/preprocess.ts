import { throwIfAborted } from '../common/errors.ts';
import { float32Tensor, type Tensor } from '../engine/tensor.ts';
import { imageToTensor, resizeAntialiased, weightedSum } from '../kernels/index.ts';
import type { RgbImage } from './decode.ts';
import { type Placement, place } from './geometry.ts';
import type { ResolvedPreprocess } from './preprocess-options.ts';
import { type RawPicture, rawPicture } from './raw-picture.ts';

export interface PreparedImage {
  /** [1, C, H, W], or [1, H, W, C] for the layout nhwc. */
  readonly tensor: Tensor<'float32'>;
  readonly placement: Placement;
}

/** ITU-R 601 luma: what Pillow's `convert('L')` weighs red, green and blue with. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * From an upright RGB picture to the model's input, with the pixels that Pillow and torchvision make: resize (antialiased
 * when shrinking), crop or letterbox, scale, mean and std. The margin of a letterbox is the mean colour, which is 0 after
 * normalisation.
 * @param options `placement` is that of the picture, where `image` is the same picture at a smaller size
 * @throws `ERR_ABORTED`.
 */
export async function prepareImage(
  image: RgbImage,
  preprocess: ResolvedPreprocess,
  options: { readonly signal?: AbortSignal; readonly placement?: Placement } = {},
): Promise<PreparedImage> {
  const { size, fit, interpolation, layout, channels } = preprocess;
  const [width, height] = size;
  const placement = options.placement ?? place(image, { width, height }, fit);
  throwIfAborted(options.signal);
  const { resized, window, target } = placement;
  const source = rawPicture(image.data, image.width, image.height);
  const { data: resizedData } = await resizeAntialiased(source, {
    ...resized,
    interpolation,
    window,
    signal: options.signal,
  });
  const pixels = rawPicture(resizedData, target.width, target.height);
  throwIfAborted(options.signal);
  const values = await (channels === 1 ? greyTensor(pixels, preprocess) : rgbTensor(pixels, preprocess));
  const data = insertInto(values, placement, channels, layout);
  const dims = layout === 'nchw' ? [1, channels, height, width] : [1, height, width, channels];
  return { tensor: float32Tensor(data, dims), placement };
}

function rgbTensor(pixels: RawPicture, preprocess: ResolvedPreprocess): Promise<Float32Array> {
  const { mean, std, scale, channelOrder, layout } = preprocess;
  return imageToTensor(pixels, { mean, std, scale, channelOrder, layout });
}

/** Σ luma_c · (x_c · scale − mean) / std: the luma weights add up to 1, so this is (grey · scale − mean) / std. */
async function greyTensor(pixels: RawPicture, { mean, std, scale }: ResolvedPreprocess): Promise<Float32Array> {
  const repeat = (values: readonly number[]) => LUMA.map(() => values[0]!);
  const data = await imageToTensor(pixels, {
    mean: repeat(mean),
    std: repeat(std),
    scale,
    channelOrder: 'rgb',
    layout: 'nchw',
  });
  const rgb = { data, dims: [1, 3, pixels.info.height, pixels.info.width] };
  return (await weightedSum(rgb, Float32Array.from(LUMA))).data;
}

/** Puts the values of the placement's target, [C, h, w] or [h, w, C], into an input that is 0 elsewhere. */
function insertInto(
  values: Float32Array,
  { input, target }: Placement,
  channels: number,
  layout: ResolvedPreprocess['layout'],
): Float32Array {
  if (target.width === input.width && target.height === input.height) return values;
  const data = new Float32Array(channels * input.height * input.width);
  const planes = layout === 'nchw' ? channels : 1;
  const step = layout === 'nchw' ? 1 : channels;
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
