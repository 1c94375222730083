import { OnnxCamError } from '../common/errors.ts';
import { shown } from '../common/shown.ts';
import { didYouMean } from '../common/suggest.ts';

/**
 * Value ranges that models are trained with; `value = (pixel · scale − mean) / std` per channel.
 * imagenet: torchvision and timm; inception: −1..1; unit: 0..1; raw: 0..255.
 */
const PRESETS = {
  imagenet: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  inception: { scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  unit: { scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
  raw: { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
} as const;
const FITS = ['squeeze', 'crop', 'letterbox'] as const;
const INTERPOLATIONS = ['bilinear', 'bicubic', 'nearest'] as const;
const CHANNEL_ORDERS = ['rgb', 'bgr'] as const;
const LAYOUTS = ['nchw', 'nhwc'] as const;
const KEYS = ['preset', 'mean', 'std', 'scale', 'size', 'fit', 'interpolation', 'channelOrder', 'layout'];

export type PresetName = keyof typeof PRESETS;
export type Fit = (typeof FITS)[number];
export type PictureInterpolation = (typeof INTERPOLATIONS)[number];
export type ChannelOrder = (typeof CHANNEL_ORDERS)[number];
export type Layout = (typeof LAYOUTS)[number];

export interface PreprocessOptions {
  /** Where mean, std and scale come from unless they are given: `'imagenet'` by default. */
  readonly preset?: PresetName;
  /** Per channel of the model's input, in its order; one number stands for all channels. After `scale`, in its units. */
  readonly mean?: number | readonly number[];
  readonly std?: number | readonly number[];
  /** Comes first; 1/255 by default. */
  readonly scale?: number;
  /** [width, height] of the model's input. */
  readonly size?: readonly [width: number, height: number];
  readonly fit?: Fit;
  readonly interpolation?: PictureInterpolation;
  readonly channelOrder?: ChannelOrder;
  readonly layout?: Layout;
}

/** What is known of the model's picture input; a dynamic size is left out. */
export interface PictureInput {
  readonly width?: number;
  readonly height?: number;
  readonly channels?: number;
  readonly layout?: Layout;
  /** Its element type; one of integers takes the pixels as they are unless another range is given. */
  readonly type?: string;
}

/** Everything that decides how a picture becomes a tensor. Plain JSON. */
export interface ResolvedPreprocess {
  /** The preset that mean, std and scale were taken from; null when they were given. */
  readonly preset: PresetName | null;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly scale: number;
  readonly size: readonly [width: number, height: number];
  readonly fit: Fit;
  readonly interpolation: PictureInterpolation;
  readonly channelOrder: ChannelOrder;
  readonly layout: Layout;
  /** Channels of the model's input: 3, or 1 (grey, ITU-R 601 luma as PIL's `convert('L')`). */
  readonly channels: 1 | 3;
}

const DEFAULT_SIZE = 224;
const LARGEST_SIZE = 32_768;

/**
 * Joins what the model, its side file and the options say; options win over the side file, property by property. mean,
 * std and scale describe one range and go together: who gives one of them without a preset gets mean 0, std 1 and scale
 * 1/255 for the others, not those of another range.
 *
 * @param sidecar the `preprocess` of the JSON file beside the model
 * @throws `ERR_OPTION_INVALID` for unknown names and values that make no sense or contradict the model's fixed size or layout;
 * `ERR_INPUT_SHAPE` for an input of neither one nor three channels.
 */
export function resolvePreprocess(
  options: PresetName | PreprocessOptions | undefined,
  input: PictureInput = {},
  sidecar?: unknown,
): ResolvedPreprocess {
  const layers = [checkPreprocess(sidecar, 'preprocess of the side file'), checkPreprocess(options)];
  const merged: PreprocessOptions = Object.assign({}, ...layers);
  const channels = input.channels ?? 3;
  if (channels !== 1 && channels !== 3) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `the model's input has ${channels} channels, pictures have 3 (or 1, grey); give a preprocessed tensor ` +
        "{ type: 'float32', data, dims } instead",
    );
  }
  if (merged.layout !== undefined && merged.layout !== (input.layout ?? merged.layout))
    throw invalid(`preprocess.layout is ${merged.layout}, the model's input is ${input.layout}`);
  return {
    ...rangeOf(layers, channels, /int/.test(input.type ?? '') ? 'raw' : 'imagenet'),
    size: sizeOf(merged.size, input),
    fit: merged.fit ?? 'squeeze',
    interpolation: merged.interpolation ?? 'bilinear',
    channelOrder: merged.channelOrder ?? 'rgb',
    layout: merged.layout ?? input.layout ?? 'nchw',
    channels,
  };
}

function rangeOf(
  layers: readonly PreprocessOptions[],
  channels: 1 | 3,
  standard: PresetName,
): Pick<ResolvedPreprocess, 'preset' | 'mean' | 'std' | 'scale'> {
  const layer = layers.findLast(({ preset, mean, std, scale }) => (preset ?? mean ?? std ?? scale) !== undefined) ?? {};
  const given = layer.mean !== undefined || layer.std !== undefined || layer.scale !== undefined;
  const base = PRESETS[layer.preset ?? (given ? 'unit' : standard)];
  return {
    preset: given ? null : (layer.preset ?? standard),
    scale: layer.scale ?? base.scale,
    mean: layer.mean === undefined ? fromRgb(base.mean, channels) : perChannel(layer.mean, channels, 'mean'),
    std: layer.std === undefined ? fromRgb(base.std, channels) : perChannel(layer.std, channels, 'std'),
  };
}

/** A preset's values; for grey their average, as is usual for ImageNet's (0.449 and 0.226). */
function fromRgb(values: readonly number[], channels: 1 | 3): readonly number[] {
  return channels === 3 ? [...values] : [values.reduce((sum, value) => sum + value, 0) / values.length];
}

function perChannel(value: number | readonly number[], channels: 1 | 3, name: string): readonly number[] {
  const values = typeof value === 'number' ? [value] : value;
  if (values.length === channels) return [...values];
  if (values.length === 1) return Array<number>(channels).fill(values[0]!);
  throw invalid(`preprocess.${name} needs ${channels} values for this model's channels (or one), got ${values.length}`);
}

function sizeOf(size: PreprocessOptions['size'], input: PictureInput): readonly [number, number] {
  const [width, height] = size ?? [input.width ?? DEFAULT_SIZE, input.height ?? DEFAULT_SIZE];
  if (width !== (input.width ?? width) || height !== (input.height ?? height)) {
    const fixed = `${input.width ?? 'any'}x${input.height ?? 'any'}`;
    throw invalid(`preprocess.size is ${width}x${height}, the model's input is fixed at ${fixed} (width x height)`);
  }
  return [width, height];
}

/**
 * The checked properties that a preset's name or an object sets.
 * @param name where it was given, for messages
 * @throws `ERR_OPTION_INVALID`
 */
export function checkPreprocess(layer: unknown, name = 'preprocess'): PreprocessOptions {
  if (layer === undefined) return {};
  if (typeof layer === 'string') return { preset: oneOf(layer, Object.keys(PRESETS) as PresetName[], name) };
  if (typeof layer !== 'object' || layer === null || Array.isArray(layer)) {
    throw invalid(`${name} needs the name of a preset or an object, got ${shown(layer)}`);
  }
  const { preset, mean, std, scale, size, fit, interpolation, channelOrder, layout, ...unknown } = layer as Record<
    string,
    unknown
  >;
  for (const key of Object.keys(unknown)) {
    throw invalid(`${name} has no property '${key.slice(0, 80)}'${didYouMean(key, KEYS)}; it has ${KEYS.join(', ')}`);
  }
  const checked = {
    preset: preset === undefined ? undefined : oneOf(preset, Object.keys(PRESETS) as PresetName[], `${name}.preset`),
    mean: mean === undefined ? undefined : numbers(mean, () => true, 'finite numbers', `${name}.mean`),
    std: std === undefined ? undefined : numbers(std, value => value > 0, 'numbers above 0', `${name}.std`),
    scale: scale === undefined ? undefined : numbers([scale], value => value !== 0, 'a number', `${name}.scale`)[0],
    size: size === undefined ? undefined : checkSize(size, `${name}.size`),
    fit: fit === undefined ? undefined : oneOf(fit, FITS, `${name}.fit`),
    interpolation:
      interpolation === undefined ? undefined : oneOf(interpolation, INTERPOLATIONS, `${name}.interpolation`),
    channelOrder: channelOrder === undefined ? undefined : oneOf(channelOrder, CHANNEL_ORDERS, `${name}.channelOrder`),
    layout: layout === undefined ? undefined : oneOf(layout, LAYOUTS, `${name}.layout`),
  };
  return Object.fromEntries(Object.entries(checked).filter(([, value]) => value !== undefined));
}

function numbers(value: unknown, valid: (value: number) => boolean, expected: string, name: string): readonly number[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0 || !values.every(item => typeof item === 'number' && Number.isFinite(item) && valid(item))) {
    throw invalid(`${name} needs ${expected}, got ${shown(value)}`);
  }
  return values as readonly number[];
}

function checkSize(value: unknown, name: string): readonly [number, number] {
  const valid = (side: unknown) =>
    Number.isSafeInteger(side) && (side as number) >= 1 && (side as number) <= LARGEST_SIZE;
  if (!Array.isArray(value) || value.length !== 2 || !value.every(valid)) {
    throw invalid(`${name} needs [width, height], whole numbers from 1 to ${LARGEST_SIZE}, got ${shown(value)}`);
  }
  return [value[0], value[1]];
}

function oneOf<T extends string>(value: unknown, known: readonly T[], name: string): T {
  const text = typeof value === 'string' ? value.toLowerCase() : undefined;
  const found = known.find(item => item === text);
  if (found !== undefined) return found;
  throw invalid(`${name} is ${shown(value)}${didYouMean(text ?? '', known)}; known: ${known.join(', ')}`);
}

function invalid(message: string): OnnxCamError {
  return new OnnxCamError('ERR_OPTION_INVALID', message);
}
