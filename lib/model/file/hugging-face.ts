import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isRecord } from '../../common/checks.ts';
import { OnnxCamError } from '../../common/errors.ts';
import { checkPreprocess, type PreprocessOptions } from '../../image/preprocess-options.ts';
import { openInside } from '../../io/inside-folder.ts';
import { isMissing, readWhole } from '../../io/regular-file.ts';
import { namesFromJson } from '../../targets/label-shapes.ts';
import type { LabelsFitting } from '../../targets/labels.ts';

/** What a file in the model's folder, or the model's own metadata, says of pictures and classes. */
export interface Source {
  /** For people: "preprocessor_config.json". */
  readonly from: string;
  readonly preprocess?: PreprocessOptions;
  readonly labels?: readonly string[];
  /** Of labels that only count where their number fits the output's classes. */
  readonly fitting?: LabelsFitting;
  /** What it says that is not followed. */
  readonly notes?: readonly string[];
  /** It is not read where it lies, which is worth a word where nothing else is said. */
  readonly isElsewhere?: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** Bytes. */
const LARGEST_FILE = 2 ** 24;

/**
 * Hugging Face's files in a model's folder, the more precise one last: `config.json` (class names, `image_size`; timm's
 * `pretrained_cfg`), `preprocessor_config.json` (size, crop, mean, deviation, filter).
 * @throws `ERR_OPTION_INVALID` for a `preprocessor_config.json` that cannot be read or whose values make no sense; a
 * `config.json` may belong to something else
 */
export async function readHuggingFace(modelPath: string): Promise<readonly Source[]> {
  const config = await readJson(modelPath, 'config.json').catch(() => undefined);
  const preprocessor = await readJson(modelPath, 'preprocessor_config.json');
  const sources: Source[] = [];
  // Exporters put models into a folder `onnx` below these files. What lies beside a model is read inside its folder only.
  if (!preprocessor && (await exists(join(dirname(modelPath), '..', 'preprocessor_config.json'))))
    sources.push({ from: 'preprocessor_config.json in the folder above', isElsewhere: true });
  if (config) sources.push(checked(modelPath, 'config.json', fromConfig(config)));
  if (preprocessor) sources.push(checked(modelPath, 'preprocessor_config.json', fromPreprocessor(preprocessor)));
  return sources;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    info => info.isFile(),
    () => false,
  );

async function readJson(modelPath: string, name: string): Promise<Json | undefined> {
  const folder = dirname(modelPath);
  const path = join(folder, name);
  let value: unknown;
  try {
    const bytes = await readWhole(await openInside(folder, path), LARGEST_FILE);
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new OnnxCamError('ERR_OPTION_INVALID', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (isRecord(value)) return value;
  throw new OnnxCamError('ERR_OPTION_INVALID', `${path} must hold a JSON object`);
}

function checked(modelPath: string, name: string, said: Omit<Source, 'from'>): Source {
  checkPreprocess(said.preprocess, `preprocess as ${join(dirname(modelPath), name)} says it`);
  return { from: name, ...said };
}

/** `transformers` and `timm` models. */
export function fromConfig(config: Json): Omit<Source, 'from'> {
  const named = config.id2label ?? config.label_names;
  const names = named === undefined ? undefined : namesFromJson(named);
  // What is written where nobody gave names.
  const labels = names?.every(name => /^LABEL_\d+$/.test(name)) ? undefined : names;
  const timm = isRecord(config.pretrained_cfg) ? config.pretrained_cfg : undefined;
  const size = sidesOf(
    config.image_size ?? (isRecord(config.vision_config) ? config.vision_config.image_size : undefined),
  );
  return { labels, preprocess: timm ? fromTimm(timm) : size && { size } };
}

/** timm's evaluation transform. */
function fromTimm(config: Json): PreprocessOptions {
  const input = Array.isArray(config.input_size) ? config.input_size : [];
  const size = input.length === 3 ? sidesOf(input.slice(1)) : undefined;
  const crops = config.crop_mode === undefined || config.crop_mode === 'center';
  return defined({
    size,
    mean: numbersOf(config.mean),
    std: numbersOf(config.std),
    interpolation: filterOf(config.interpolation),
    ...(crops && typeof config.crop_pct === 'number' && { fit: 'crop' as const, cropPct: config.crop_pct }),
  });
}

/** Image processors of `transformers`, by what they say; by their names only where older files leave out what they mean. */
export function fromPreprocessor(config: Json): Omit<Source, 'from'> {
  if (isRecord(config.pretrained_cfg)) return { preprocess: fromTimm(config.pretrained_cfg) };
  const notes: string[] = [];
  const says = (key: string) => config[key] !== false && (config[key] === true || config[key] === undefined);
  const { resample } = config;
  const interpolation = says('do_resize') ? filterOf(resample) : undefined;
  if (says('do_resize') && resample !== undefined && !interpolation)
    notes.push(`its filter ${JSON.stringify(resample)} is not known, bilinear was taken`);
  return {
    preprocess: defined({
      ...rangeOf(config, says, notes),
      channelOrder: config.do_flip_channel_order === true ? ('bgr' as const) : undefined,
      interpolation,
      ...fitOf(config, says, notes),
    }),
    notes,
  };
}

type Says = (key: string) => boolean;

function rangeOf(config: Json, says: Says, notes: string[]): PreprocessOptions {
  // MobileViT's subtracts nothing and does not say so.
  const normalizes =
    says('do_normalize') && !(config.do_normalize === undefined && config.do_flip_channel_order === true);
  const given = numbersOf(config.image_mean);
  const deviation = numbersOf(config.image_std);
  if (normalizes && !given && !deviation && config.rescale_factor === undefined) {
    if (config.do_normalize === true) notes.push('it normalises and says no image_mean');
    return {};
  }
  const std = normalizes ? deviation : undefined;
  const shift = config.rescale_offset === true ? 1 : 0;
  const factor = says('do_rescale') ? (typeof config.rescale_factor === 'number' ? config.rescale_factor : 1 / 255) : 1;
  const mean = normalizes ? (given ?? 0) : 0;
  const shifted = typeof mean === 'number' ? mean + shift : mean.map(value => value + shift);
  return {
    mean: shift ? shifted : mean,
    // EfficientNet's divides once more.
    std: config.include_top === true && deviation ? deviation.map((value, c) => value * (std?.[c] ?? 1)) : (std ?? 1),
    // 1/255 is what every picture of 8 bits gets; deeper ones get their own.
    scale: Math.abs(factor * 255 - 1) < 1e-6 ? undefined : factor,
  };
}

/** Processors whose older files give a plain number for both sides, not for the shorter one. */
const SQUARE = /^(ViT|DeiT|Beit|Data2Vec|Flava|Segformer)/;

function fitOf(config: Json, says: Says, notes: string[]): PreprocessOptions {
  const { size, crop_pct: share } = config;
  const name = String(config.image_processor_type ?? config.feature_extractor_type ?? '');
  const crop = says('do_center_crop') && config.crop_size !== undefined ? sidesOf(config.crop_size) : undefined;
  const isShorter = typeof size === 'number' && (typeof share === 'number' || (crop && !SQUARE.test(name)));
  const short = isRecord(size) ? size.shortest_edge : isShorter ? size : undefined;
  if (crop && !says('do_resize')) return { size: crop, fit: 'crop' };
  if (typeof short !== 'number') {
    const sides = sidesOf(size);
    if (!sides && isRecord(size))
      notes.push(`its size ${JSON.stringify(size)} is not followed; preprocess.size and fit say another`);
    if (!crop) return sides ? { size: sides } : {};
    if (!sides || sides.join() === crop.join()) return { size: crop };
    return squeezedAndCut(sides, crop, notes);
  }
  if (crop) {
    // PoolFormer's shorter side is enlarged by the share, LeViT's always by this one.
    const enlarged = typeof share === 'number' ? share : /^Levit/i.test(name) ? 224 / 256 : 1;
    return { size: crop, fit: 'crop', resize: Math.trunc(short / enlarged) };
  }
  const square = [short, short] as const;
  // ConvNeXT's: below 384 pixels the shorter side is enlarged by the share, and the middle cut out.
  if (typeof share === 'number') return short < 384 ? { size: square, fit: 'crop', cropPct: share } : { size: square };
  notes.push(
    `it keeps the sides' ratio (shortest_edge ${short}); pictures were squeezed to ${short}x${short}, preprocess.size is another`,
  );
  return { size: square };
}

/** The whole picture in one size, then the middle of it. */
function squeezedAndCut(
  [width, height]: readonly [number, number],
  crop: readonly [number, number],
  notes: string[],
): PreprocessOptions {
  if (width * crop[1] === height * crop[0] && width >= crop[0])
    return { size: crop, fit: 'squeeze', resize: Math.min(width, height) };
  notes.push('it resizes without regard to the sides and crops then; the whole picture was squeezed instead');
  return { size: crop };
}

/** [width, height] of a number, [height, width] or { height, width }. */
function sidesOf(value: unknown): [number, number] | undefined {
  const [height, width] = isRecord(value) ? [value.height, value.width] : Array.isArray(value) ? value : [value, value];
  return typeof height === 'number' && typeof width === 'number' ? [width, height] : undefined;
}

function numbersOf(value: unknown): readonly number[] | undefined {
  return Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'number') ? value : undefined;
}

/** PIL's filters by number or name. */
function filterOf(value: unknown): PreprocessOptions['interpolation'] {
  if (value === 0 || value === 'nearest') return 'nearest';
  if (value === 2 || value === 'bilinear') return 'bilinear';
  return value === 3 || value === 'bicubic' ? 'bicubic' : undefined;
}

function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
