import { invalid } from '../common/checks.ts';
import { OnnxCamError } from '../common/errors.ts';
import { shown } from '../common/shown.ts';
import { didYouMean } from '../common/suggest.ts';
import { checkColor, checkRange, checkShare, checkSide, checkSize, numbers, oneOf } from './preprocess-values.ts';
import { PRESET_NAMES, type PresetName, presetOf } from './presets.ts';

const FITS = ['squeeze', 'crop', 'letterbox'] as const;
const INTERPOLATIONS = ['bilinear', 'bicubic', 'nearest'] as const;
const CHANNEL_ORDERS = ['rgb', 'bgr'] as const;
const LAYOUTS = ['nchw', 'nhwc'] as const;
const KEYS = [
  ...['preset', 'mean', 'std', 'scale', 'range', 'size', 'fit', 'resize', 'cropPct', 'padColor'],
  ...['interpolation', 'channelOrder', 'layout'],
];

/**
 * How a picture meets the input: 'squeeze' (all of it, the sides' ratio given up), 'crop' (its middle), 'letterbox'
 * (all of it, with a border).
 * @useDeclaredType
 */
export type Fit = (typeof FITS)[number];
/**
 * Filters of resizing, antialiased when shrinking as in Pillow; nearest is not.
 * @useDeclaredType
 */
export type PictureInterpolation = (typeof INTERPOLATIONS)[number];
/**
 * Order of the colours in the tensor.
 * @useDeclaredType
 */
export type ChannelOrder = (typeof CHANNEL_ORDERS)[number];
/**
 * Order of the axes of the tensor.
 * @useDeclaredType
 */
export type Layout = (typeof LAYOUTS)[number];

/** How a picture becomes a tensor: value = (pixel · scale − mean) / std per channel. */
export interface PreprocessOptions {
  /**
   * Where mean, std and scale come from unless they are given: `'imagenet'` by default. `'clip'`, `'openai'`, `'siglip'` and
   * `'yolo'` also say fit and filter.
   */
  readonly preset?: PresetName | undefined;
  /** Per channel of the model's input, in its order; one number stands for all channels. After `scale`, in its units. */
  readonly mean?: number | readonly number[] | undefined;
  /** As `mean`; above 0. */
  readonly std?: number | readonly number[] | undefined;
  /** Comes first; by default 1 / the largest value of the picture's type (1/255 for 8 bits), 1 for floats. */
  readonly scale?: number | undefined;
  /** The picture's values, in its own units, that become 0 and 1; takes the place of `scale`. */
  readonly range?: readonly [low: number, high: number] | undefined;
  /** [width, height] of the model's input. */
  readonly size?: readonly [width: number, height: number] | undefined;
  /** Default 'squeeze'; `resize` and `cropPct` imply 'crop', `padColor` 'letterbox'. */
  readonly fit?: Fit | undefined;
  /**
   * Pixels that the picture's shorter side gets before the middle is cut out (fit 'crop'); with the fit 'squeeze' the sides'
   * ratio is the input's.
   */
  readonly resize?: number | undefined;
  /** The same as a share: the middle is this part of each side of the resized picture. */
  readonly cropPct?: number | undefined;
  /** What fills a letterbox, in 0..255 as RGB or grey; by default the mean colour. */
  readonly padColor?: number | readonly number[] | undefined;
  /** Default 'bilinear'. */
  readonly interpolation?: PictureInterpolation | undefined;
  /** Default 'rgb'. */
  readonly channelOrder?: ChannelOrder | undefined;
  /** Default: the model's, else 'nchw'. */
  readonly layout?: Layout | undefined;
}

/** What is known of the model's picture input; a dynamic size is left out. */
export interface PictureInput {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly channels?: number | undefined;
  readonly layout?: Layout | undefined;
  /** Its element type; one of integers takes the pixels as they are unless another range is given. */
  readonly type?: string | undefined;
}

/** Everything that decides how a picture becomes a tensor. Plain JSON. */
export interface ResolvedPreprocess {
  /** The preset that mean, std and scale were taken from; null when they were given. */
  readonly preset: PresetName | null;
  /** One value for each channel, after `scale` and in its units. */
  readonly mean: readonly number[];
  /** One value for each channel. */
  readonly std: readonly number[];
  /** Of 8-bit pictures; in what is said of one picture, that of its own type. */
  readonly scale: number;
  /** It was given: pictures of every type are scaled by it. */
  readonly scaleGiven: boolean;
  /** The values of the picture that became 0 and 1; null where `scale` says it. */
  readonly range: readonly [low: number, high: number] | null;
  /** Of the model's input, in pixels. */
  readonly size: readonly [width: number, height: number];
  /** How the picture met the input. */
  readonly fit: Fit;
  /** Where the shorter side goes before the middle is cut out, or the part that is cut out. */
  readonly resize: number | null;
  /** The part that is cut out, of each side of the resized picture. */
  readonly cropPct: number | null;
  /** One value for each of the model's channels in 0..255, null for the mean colour. */
  readonly padColor: readonly number[] | null;
  /** The filter. */
  readonly interpolation: PictureInterpolation;
  /** Of the model's input. */
  readonly channelOrder: ChannelOrder;
  /** Of the model's input. */
  readonly layout: Layout;
  /** Channels of the model's input: 3, or 1 (grey, ITU-R 601 luma as PIL's `convert('L')`). */
  readonly channels: 1 | 3;
}

/** ITU-R 601 luma: what Pillow's `convert('L')` weighs red, green and blue with. */
export const LUMA: readonly number[] = [0.299, 0.587, 0.114];

const DEFAULT_SIZE = [224, 224] as const;

/**
 * Joins what the model, the files beside it and the options say; options win over these, property by property. mean,
 * std and scale describe one range and go together: who gives one of them without a preset gets mean 0, std 1 and scale
 * 1/255 for the others, not those of another range.
 *
 * @param beside `preprocess` of the files beside the model, those that win last
 * @throws `ERR_OPTION_INVALID` for unknown names and values that make no sense or contradict the model's fixed size or layout;
 * `ERR_INPUT_SHAPE` for an input of neither one nor three channels.
 */
export function resolvePreprocess(
  options: PresetName | PreprocessOptions | undefined,
  input: PictureInput = {},
  ...beside: readonly unknown[]
): ResolvedPreprocess {
  const layers = [
    ...beside.map(layer => checkPreprocess(layer, 'preprocess of the side file')),
    checkPreprocess(options),
  ];
  const merged: PreprocessOptions = Object.assign({}, ...layers);
  const channels = input.channels ?? 3;
  if (channels !== 1 && channels !== 3) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `the model's input has ${channels} channels, pictures have 3 (or 1, grey); give a preprocessed tensor ` +
        "{ type: 'float32', data, dims } instead (a .npy file on the command line)",
    );
  }
  if (merged.layout !== undefined && merged.layout !== (input.layout ?? merged.layout))
    throw invalid(`preprocess.layout is ${merged.layout}, the model's input is ${input.layout}`);
  const size = sizeOf(merged, input);
  const fit = fitOf(layers);
  const channelOrder = merged.channelOrder ?? 'rgb';
  return {
    ...rangeOf(layers, channels, input.type ?? ''),
    size,
    fit,
    ...cropOf(layers, fit),
    padColor: padOf(merged.padColor, fit, channels, channelOrder),
    interpolation: merged.interpolation ?? 'bilinear',
    channelOrder,
    layout: merged.layout ?? input.layout ?? 'nchw',
    channels,
  };
}

function rangeOf(
  layers: readonly PreprocessOptions[],
  channels: 1 | 3,
  type: string,
): Pick<ResolvedPreprocess, 'preset' | 'mean' | 'std' | 'scale' | 'scaleGiven' | 'range'> {
  const standard = type.includes('int') ? 'raw' : 'imagenet';
  const range = layers.findLastIndex(one => one.range !== undefined);
  const scaled = layers.findLastIndex(one => one.scale !== undefined);
  const layer = layers.findLast(({ preset, mean, std, scale }) => (preset ?? mean ?? std ?? scale) !== undefined) ?? {};
  const said = Object.keys(layer).length > 0;
  const given = layer.mean !== undefined || layer.std !== undefined || layer.scale !== undefined;
  const base = presetOf(layer.preset ?? (given ? 'unit' : standard));
  return {
    preset: given ? null : (layer.preset ?? standard),
    scale: layer.scale ?? base.scale,
    // Inputs of wider integers take the values of every picture as they are, unless something is said.
    scaleGiven: (layer.scale !== undefined && range < scaled) || (!said && type.includes('int') && !/int8$/.test(type)),
    range: range >= 0 && range >= scaled ? layers[range]!.range! : null,
    mean: layer.mean === undefined ? fromRgb(base.mean, channels) : perChannel(layer.mean, channels, 'mean'),
    std: layer.std === undefined ? fromRgb(base.std, channels) : perChannel(layer.std, channels, 'std'),
  };
}

/** What is said of a way to fit implies it. */
function fitOf(layers: readonly PreprocessOptions[], standard: Fit = 'squeeze'): Fit {
  let fit = standard;
  for (const { fit: said, resize, cropPct, padColor } of layers) {
    if (said !== undefined) fit = said;
    else if ((resize ?? cropPct) !== undefined) fit = 'crop';
    else if (padColor !== undefined) fit = 'letterbox';
  }
  return fit;
}

/**
 * The last layer that says either of the two: they are two ways to say one thing. Who squeezes the whole picture means no
 * cut of those before.
 */
function cropOf(layers: readonly PreprocessOptions[], fit: Fit): Pick<ResolvedPreprocess, 'resize' | 'cropPct'> {
  if (fit === 'letterbox') return { resize: null, cropPct: null };
  const from = fit === 'crop' ? 0 : layers.findLastIndex(one => one.fit !== undefined);
  const said = from < 0 ? [] : layers.slice(from);
  const { resize = null, cropPct = null } = said.findLast(one => (one.resize ?? one.cropPct) !== undefined) ?? {};
  return { resize, cropPct };
}

/** In the model's channels; of grey models the luma of a colour. */
function padOf(
  color: PreprocessOptions['padColor'],
  fit: Fit,
  channels: 1 | 3,
  order: ChannelOrder,
): readonly number[] | null {
  if (color === undefined || fit !== 'letterbox') return null;
  const values = typeof color === 'number' ? [color] : color;
  const rgb = values.length === 1 ? [values[0]!, values[0]!, values[0]!] : values;
  if (channels === 1) return [LUMA.reduce((sum, weight, c) => sum + weight * rgb[c]!, 0)];
  return order === 'bgr' ? [...rgb].reverse() : [...rgb];
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

function sizeOf({ size, preset }: PreprocessOptions, input: PictureInput): readonly [number, number] {
  const usual = (preset && presetOf(preset).size) ?? DEFAULT_SIZE;
  const [width, height] = size ?? [input.width ?? usual[0], input.height ?? usual[1]];
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
  if (typeof layer === 'string') return withPreset({ preset: oneOf(layer, PRESET_NAMES, name) });
  if (typeof layer !== 'object' || layer === null || Array.isArray(layer)) {
    throw invalid(`${name} needs the name of a preset or an object, got ${shown(layer)}`);
  }
  const { preset, mean, std, scale, range, size, fit, resize, cropPct, padColor, ...rest } = layer as Record<
    string,
    unknown
  >;
  const { interpolation, channelOrder, layout, ...unknown } = rest;
  for (const key of Object.keys(unknown)) {
    throw invalid(`${name} has no property '${key.slice(0, 80)}'${didYouMean(key, KEYS)}; it has ${KEYS.join(', ')}`);
  }
  const checked = {
    preset: preset === undefined ? undefined : oneOf(preset, PRESET_NAMES, `${name}.preset`),
    mean: mean === undefined ? undefined : numbers(mean, () => true, 'finite numbers', `${name}.mean`),
    std: std === undefined ? undefined : numbers(std, value => value > 0, 'numbers above 0', `${name}.std`),
    scale: scale === undefined ? undefined : numbers([scale], value => value !== 0, 'a number', `${name}.scale`)[0],
    range: range === undefined ? undefined : checkRange(range, `${name}.range`),
    size: size === undefined ? undefined : checkSize(size, `${name}.size`),
    resize: resize === undefined ? undefined : checkSide(resize, `${name}.resize`),
    cropPct: cropPct === undefined ? undefined : checkShare(cropPct, `${name}.cropPct`),
    padColor: padColor === undefined ? undefined : checkColor(padColor, `${name}.padColor`),
    fit: fit === undefined ? undefined : oneOf(fit, FITS, `${name}.fit`),
    interpolation:
      interpolation === undefined ? undefined : oneOf(interpolation, INTERPOLATIONS, `${name}.interpolation`),
    channelOrder: channelOrder === undefined ? undefined : oneOf(channelOrder, CHANNEL_ORDERS, `${name}.channelOrder`),
    layout: layout === undefined ? undefined : oneOf(layout, LAYOUTS, `${name}.layout`),
  };
  if (checked.range && checked.scale !== undefined)
    throw invalid(`${name}: give range or scale, not both: range says which values become 0 and 1`);
  if (checked.resize !== undefined && checked.cropPct !== undefined)
    throw invalid(`${name}: give resize or cropPct, not both: they say the same in pixels and as a share`);
  for (const key of ['resize', 'cropPct'] as const)
    if (checked[key] !== undefined && checked.fit === 'letterbox')
      throw invalid(`${name}.${key} belongs to the fits 'crop' and 'squeeze', the fit is 'letterbox'`);
  if (checked.padColor !== undefined && checked.fit !== undefined && checked.fit !== 'letterbox')
    throw invalid(`${name}.padColor belongs to the fit 'letterbox', the fit is '${checked.fit}'`);
  return withPreset(Object.fromEntries(Object.entries(checked).filter(([, value]) => value !== undefined)));
}

/** With what the preset says of fit and filter; what stands beside its name wins. */
function withPreset(layer: PreprocessOptions): PreprocessOptions {
  const how = layer.preset && presetOf(layer.preset).how;
  if (!how) return layer;
  const { fit, cropPct, padColor, ...rest } = how;
  const own = fitOf([layer], fit);
  const crops = own === 'crop' && layer.resize === undefined && cropPct !== undefined;
  return {
    ...rest,
    fit: own,
    ...(own === fit && crops && { cropPct }),
    ...(own === fit && padColor !== undefined && { padColor }),
    ...layer,
  };
}
