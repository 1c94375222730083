import { OnnxCamError } from '../common/errors.ts';
import { isFloat32Array, isFloat64Array, isUint8Array } from '../common/kinds.ts';
import { withSignal } from '../engine/cancellation.ts';
import { checkCount } from './features.ts';
import { fixed, nativeKernels, steady } from './native-kernels.ts';
import { finite, given, oneOf, wholeNumber } from './options.ts';

/** A picture in sharp's raw shape: uint8, row-major HWC. */
export interface PixelImage {
  /** Row-major HWC. */
  readonly data: Uint8Array;
  /** Pixels, and channels per pixel. */
  readonly info: { readonly width: number; readonly height: number; readonly channels: number };
}

/** A picture of more than 8 bits a channel: row-major HWC, values in the picture's own units. */
export interface DeepImage extends Pick<PixelImage, 'info'> {
  /** Row-major HWC. */
  readonly data: Float32Array | Float64Array;
}

/** One map [height, width], values meant for 0..1. */
export interface PixelMap {
  /** Row-major. */
  readonly data: Float32Array;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** Options of `imageToTensor`. */
export interface ImageToTensorOptions {
  /** Per channel of the model, in its order, after `scale` and in its units; one number stands for all channels. */
  readonly mean: number | readonly number[];
  /** As `mean`; not 0. */
  readonly std: number | readonly number[];
  /** Comes first; 1/255 by default. */
  readonly scale?: number | undefined;
  /** The model's order of channels (the picture's is RGB). */
  readonly channelOrder?: 'rgb' | 'bgr' | undefined;
  /** `nchw` (default): planes; `nhwc`: interleaved, as the picture. */
  readonly layout?: 'nchw' | 'nhwc' | undefined;
  /** Written to instead of a new array; of the result's length, over a buffer that cannot be resized. */
  readonly out?: Float32Array | undefined;
}

/**
 * (pixel · scale − mean) / std, as float [C, H, W] or [H, W, C]; as many channels as the picture has, 1 or 3.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function imageToTensor(
  image: PixelImage | DeepImage,
  options: ImageToTensorOptions,
): Promise<Float32Array> {
  const { width, height, channels } = checkImage(image, [1, 3], true);
  const mean = perChannel(given(options, 'imageToTensor').mean, channels, 'mean');
  const std = perChannel(options.std, channels, 'std');
  if (std.includes(0)) throw new OnnxCamError('ERR_OPTION_INVALID', 'std must not be 0');
  const reversed = oneOf(options.channelOrder ?? 'rgb', ['rgb', 'bgr'], 'channelOrder') === 'bgr';
  const planar = oneOf(options.layout ?? 'nchw', ['nchw', 'nhwc'], 'layout') === 'nchw';
  const scale = finite(options.scale ?? 1 / 255, 'scale');
  const values = [...mean, ...std, reversed, planar, options.out ? fixed(options.out) : null] as const;
  return nativeKernels().imageToTensor(steady(image.data), width * height, channels, scale, ...values);
}

const FILTERS = ['bilinear', 'bicubic', 'nearest'] as const;

/** Options of the antialiased resizing. */
export interface ResizeAntialiasedOptions {
  /** Pixels of the whole result. */
  readonly width: number;
  /** Pixels of the whole result. */
  readonly height: number;
  /** Pillow's filters; bicubic has a = −0.5. */
  readonly interpolation: (typeof FILTERS)[number];
  /** The part of the resized picture that is wanted, in whole pixels; all of it by default. */
  readonly window?:
    | { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
    | undefined;
  /** Ends the call with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Resizes a picture with antialiasing, bit for bit as Pillow's `Image.resize` (and torchvision on PIL images).
 * @param options `out` is written to instead of a new array; of the result's length, over a buffer that cannot be resized.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`, `ERR_ABORTED`
 */
export async function resizeAntialiased(
  image: PixelImage,
  options: ResizeAntialiasedOptions & { readonly out?: Uint8Array | undefined },
): Promise<PixelImage> {
  const { size, args } = resampleArguments(image, options);
  const out = options.out ? fixed(options.out) : null;
  const data = await withSignal(options.signal, cancellation =>
    nativeKernels().resampleImage(...args, false, out, cancellation),
  );
  return { data: data as Uint8Array, info: { ...size, channels: image.info.channels } };
}

/**
 * The same without rounding to bytes: float [height, width, channels] in 0..255 (bicubic may overshoot).
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`, `ERR_ABORTED`
 */
export async function resizeAntialiasedFloat(
  image: PixelImage,
  options: ResizeAntialiasedOptions,
): Promise<Float32Array> {
  const { args } = resampleArguments(image, options);
  const data = await withSignal(options.signal, cancellation =>
    nativeKernels().resampleImage(...args, true, null, cancellation),
  );
  return data as Float32Array;
}

/**
 * The same for pictures of more than 8 bits: floats stay floats, nothing is rounded or cut off (bicubic may overshoot).
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`, `ERR_ABORTED`
 */
export async function resizeAntialiasedDeep(image: DeepImage, options: ResizeAntialiasedOptions): Promise<DeepImage> {
  const { size, args } = resampleArguments(image, options);
  const data = await withSignal(options.signal, cancellation =>
    nativeKernels().resampleImage(...args, true, null, cancellation),
  );
  return { data: data as DeepImage['data'], info: { ...size, channels: image.info.channels } };
}

/**
 * A map in colour: table[⌊255 · clamp(M, 0, 1)⌋]; NaN counts as 0.
 * @param table 256 colours, RGB bytes.
 * @returns RGB bytes [height, width, 3]
 * @throws `ERR_INPUT_SHAPE`
 */
export async function colorize(map: PixelMap, table: Uint8Array): Promise<Uint8Array> {
  const count = checkMap(map);
  return nativeKernels().colorizeMap(steady(map.data), count, checkTable(table));
}

/**
 * A map in colour over a picture of its size: round((1 − alpha) · picture + alpha · colour).
 * @param table 256 colours, RGB bytes.
 * @param options `out` is written to instead of a new array; of the result's length, over a buffer that cannot be resized. It
 * may be the picture's own.
 * @returns RGB bytes [height, width, 3]
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function overlay(
  picture: PixelImage,
  map: PixelMap,
  table: Uint8Array,
  alpha: number,
  { out }: { readonly out?: Uint8Array | undefined } = {},
): Promise<Uint8Array> {
  const { width, height } = checkImage(picture, [3]);
  const count = checkMap(map);
  if (map.width !== width || map.height !== height) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `the map is ${map.width}x${map.height}, the picture ${width}x${height}; resize the map first`,
    );
  }
  if (!(alpha >= 0 && alpha <= 1)) {
    throw new OnnxCamError('ERR_OPTION_INVALID', `alpha must be from 0 to 1, got ${String(alpha)}`);
  }
  return nativeKernels().overlayMap(
    steady(picture.data),
    steady(map.data),
    count,
    checkTable(table),
    alpha,
    out ? fixed(out) : null,
  );
}

function resampleArguments(image: PixelImage | DeepImage, options: ResizeAntialiasedOptions) {
  const { width, height, channels } = checkImage(image, [1, 2, 3, 4], true);
  const toWidth = wholeNumber(given(options, 'resizeAntialiased').width, 'width');
  const toHeight = wholeNumber(options.height, 'height');
  const window = options.window ?? { x: 0, y: 0, width: toWidth, height: toHeight };
  const x = wholeNumber(window.x, 'window.x', 0);
  const y = wholeNumber(window.y, 'window.y', 0);
  const size = {
    width: wholeNumber(window.width, 'window.width'),
    height: wholeNumber(window.height, 'window.height'),
  };
  if (x + size.width > toWidth || y + size.height > toHeight) {
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `the window ${size.width}x${size.height} at (${x}, ${y}) must lie inside the resized picture, ${toWidth}x${toHeight}`,
    );
  }
  const filter = oneOf(options.interpolation, FILTERS, 'interpolation');
  const source = [steady(image.data), width, height, channels] as const;
  return { size, args: [...source, toWidth, toHeight, x, y, size.width, size.height, filter] as const };
}

function checkImage(image: PixelImage | DeepImage, channels: readonly number[], deep = false): PixelImage['info'] {
  const { data, info } = Object(image) as PixelImage | DeepImage;
  const isDeep = deep && (isFloat32Array(data) || isFloat64Array(data));
  if (!(isDeep || isUint8Array(data)) || !channels.includes(info?.channels)) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `a picture must be { data: Uint8Array, info: { width, height, channels } } with ${channels.join(' or ')} channels, ` +
        `got ${info?.channels ?? 'no'} channels`,
    );
  }
  const dims = [wholeNumber(info.height, 'height'), wholeNumber(info.width, 'width'), info.channels];
  checkCount(data, info.width * info.height * info.channels, 'the picture', dims);
  return info;
}

function checkMap(map: PixelMap): number {
  const { data, width, height } = Object(map) as PixelMap;
  if (!isFloat32Array(data)) {
    throw new OnnxCamError('ERR_INPUT_SHAPE', 'a map must be { data: Float32Array, width, height }');
  }
  checkCount(data, wholeNumber(width, 'width') * wholeNumber(height, 'height'), 'the map', [height, width]);
  return data.length;
}

function checkTable(table: Uint8Array): Uint8Array {
  if (isUint8Array(table) && table.length === 768) return steady(table);
  throw new OnnxCamError('ERR_INPUT_SHAPE', 'a colour table must be a Uint8Array of 256 RGB colours (768 bytes)');
}

function perChannel(value: number | readonly number[], channels: number, name: string): [number, number, number] {
  const values = typeof value === 'number' ? [value] : value;
  if (values.length !== 1 && values.length !== channels) {
    throw new OnnxCamError('ERR_OPTION_INVALID', `${name} needs ${channels} values (or one), got ${values.length}`);
  }
  const at = (c: number) => finite(values[values.length === 1 ? 0 : Math.min(c, channels - 1)]!, name);
  return [at(0), at(1), at(2)];
}
