import type {
  DeepImage,
  ImageToTensorOptions,
  PixelImage,
  PixelMap,
  ResizeAntialiasedOptions,
} from '../../kernels/pixels.ts';

/** Twin of native/kernels/picture/image_tensor.cpp. */
export function imageToTensor({ data, info }: PixelImage | DeepImage, options: ImageToTensorOptions): Float32Array {
  const { width, height, channels } = info;
  const { scale = 1 / 255, channelOrder = 'rgb', layout = 'nchw' } = options;
  const count = width * height;
  const tensor = new Float32Array(count * channels);
  const at = (values: number | readonly number[], c: number) =>
    typeof values === 'number' ? values : values[values.length === 1 ? 0 : c]!;
  for (let c = 0; c < channels; c++) {
    const mean = at(options.mean, c);
    const std = at(options.std, c);
    const from = channelOrder === 'bgr' ? channels - 1 - c : c;
    const [start, step] = layout === 'nchw' ? [c * count, 1] : [c, channels];
    for (let i = 0; i < count; i++) tensor[start + i * step] = (data[i * channels + from]! * scale - mean) / std;
  }
  return tensor;
}

/** Twin of native/kernels/picture/color.cpp. */
export function colorize({ data }: PixelMap, table: Uint8Array): Uint8Array {
  const colors = new Uint8Array(3 * data.length);
  for (let i = 0; i < data.length; i++) {
    const color = 3 * colorIndex(data[i]!);
    for (let c = 0; c < 3; c++) colors[3 * i + c] = table[color + c]!;
  }
  return colors;
}

/** Twin of native/kernels/picture/color.cpp. */
export function overlay(picture: PixelImage, map: PixelMap, table: Uint8Array, alpha: number): Uint8Array {
  const colors = colorize(map, table);
  for (let i = 0; i < colors.length; i++) {
    colors[i] = Math.round((1 - alpha) * picture.data[i]! + alpha * colors[i]!);
  }
  return colors;
}

function colorIndex(value: number): number {
  if (!(value > 0)) return 0;
  return value >= 1 ? 255 : Math.floor(Math.fround(255 * value));
}

/** Bits of the fixed-point weights, as in Pillow. */
const FRACTION = 2 ** 22;

interface PixelTaps {
  readonly first: number;
  /** Sum 1. */
  readonly weights: readonly number[];
}

/** Twin of native/kernels/picture/resample_image.cpp with bytes. */
export function resizeAntialiased(image: PixelImage, options: ResizeAntialiasedOptions): PixelImage {
  const { width, height, data } = resample(image, options, ({ weights }, values) => {
    let sum = FRACTION / 2;
    weights.forEach((weight, j) => {
      const fixed = weight * FRACTION;
      sum += Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5)) * values(j);
    });
    return Math.min(255, Math.max(0, Math.floor(sum / FRACTION)));
  });
  return { data: Uint8Array.from(data), info: { width, height, channels: image.info.channels } };
}

/** Twin of native/kernels/picture/resample_image.cpp with floats. */
export function resizeAntialiasedFloat(image: PixelImage | DeepImage, options: ResizeAntialiasedOptions): Float32Array {
  return resample(image, options, ({ weights }, values) =>
    weights.reduce((sum, weight, j) => sum + weight * values(j), 0),
  ).data;
}

/** Rows, then columns; `blend` weighs the values at first, first + 1, … of an axis. */
function resample(
  { data, info }: PixelImage | DeepImage,
  { width, height, interpolation, window = { x: 0, y: 0, width, height } }: ResizeAntialiasedOptions,
  blend: (taps: PixelTaps, values: (j: number) => number) => number,
): { data: Float32Array; width: number; height: number } {
  const { channels } = info;
  const columns = tapsFor(info.width, width, window.x, window.width, interpolation);
  const rows = tapsFor(info.height, height, window.y, window.height, interpolation);
  const length = window.width * channels;
  const narrow = new Float32Array(info.height * length);
  const result = new Float32Array(window.height * length);
  for (let y = 0; y < info.height; y++) {
    for (let i = 0; i < length; i++) {
      const taps = columns[Math.floor(i / channels)]!;
      const start = (y * info.width + taps.first) * channels + (i % channels);
      narrow[y * length + i] = blend(taps, j => data[start + j * channels]!);
    }
  }
  for (let y = 0; y < window.height; y++) {
    for (let i = 0; i < length; i++) {
      const taps = rows[y]!;
      result[y * length + i] = blend(taps, j => narrow[(taps.first + j) * length + i]!);
    }
  }
  return { data: result, width: window.width, height: window.height };
}

function tapsFor(
  size: number,
  to: number,
  begin: number,
  length: number,
  interpolation: ResizeAntialiasedOptions['interpolation'],
): PixelTaps[] {
  const scale = size / to;
  const stretch = Math.max(scale, 1);
  const support = (interpolation === 'bicubic' ? 2 : 1) * stretch;
  const kernel = interpolation === 'bicubic' ? keys : (x: number) => Math.max(0, 1 - Math.abs(x));
  if (interpolation === 'nearest') {
    // Summed up as Pillow does: its rounding decides where a centre falls on a border.
    let centre = scale / 2;
    const taps = Array.from({ length: begin + length }, () => {
      const first = Math.min(size - 1, Math.floor(centre));
      centre += scale;
      return { first, weights: [1] };
    });
    return taps.slice(begin);
  }
  return Array.from({ length }, (_, i) => {
    if (size === to) return { first: begin + i, weights: [1] };
    const centre = (begin + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(size, Math.trunc(centre + support + 0.5));
    const weights = Array.from({ length: end - first }, (_, j) => kernel((j + first - centre + 0.5) / stretch));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map(weight => weight / sum) };
  });
}

/** Keys' cubic convolution kernel with a = −½. */
function keys(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}
