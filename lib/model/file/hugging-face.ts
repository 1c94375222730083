import { dirname, join } from 'node:path';
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
}

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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
  if (config) sources.push(checked(modelPath, 'config.json', fromConfig(config)));
  if (preprocessor) sources.push(checked(modelPath, 'preprocessor_config.json', fromPreprocessor(preprocessor)));
  return sources;
}

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
  const size = sidesOf(config.image_size);
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

/** Image processors of `transformers`, by what they say rather than by their names. */
export function fromPreprocessor(config: Json): Omit<Source, 'from'> {
  const notes: string[] = [];
  const says = (key: string) => config[key] !== false && (config[key] === true || config[key] === undefined);
  const shift = config.rescale_offset === true ? 1 : 0;
  const factor = says('do_rescale') ? (typeof config.rescale_factor === 'number' ? config.rescale_factor : 1 / 255) : 1;
  const mean = says('do_normalize') ? (numbersOf(config.image_mean) ?? 0) : 0;
  const std = says('do_normalize') ? (numbersOf(config.image_std) ?? 1) : 1;
  const { resample } = config;
  const interpolation = says('do_resize') ? filterOf(resample) : undefined;
  if (says('do_resize') && resample !== undefined && !interpolation)
    notes.push(`its filter ${JSON.stringify(resample)} is not known, bilinear was taken`);
  const shifted = Array.isArray(mean) ? mean.map(value => value + shift) : (mean as number) + shift;
  return {
    preprocess: defined({
      mean: shift ? shifted : mean,
      std,
      // 1/255 is what every picture of 8 bits gets; deeper ones get their own.
      scale: Math.abs(factor * 255 - 1) < 1e-6 ? undefined : factor,
      channelOrder: config.do_flip_channel_order === true ? ('bgr' as const) : undefined,
      interpolation,
      ...fitOf(config, says, notes),
    }),
    notes,
  };
}

function fitOf(config: Json, says: (key: string) => boolean, notes: string[]): PreprocessOptions {
  const size = config.size;
  const short = isRecord(size) ? size.shortest_edge : undefined;
  const crop = config.do_center_crop === true ? sidesOf(config.crop_size) : undefined;
  if (crop && says('do_resize')) {
    const shorter = typeof short === 'number' ? short : typeof size === 'number' ? size : undefined;
    if (shorter !== undefined) return { size: crop, fit: 'crop', resize: shorter };
    const sides = sidesOf(size);
    if (sides?.join() === crop.join()) return { size: crop };
    notes.push('it resizes without regard to the sides and crops then; the whole picture was squeezed instead');
    return { size: crop };
  }
  if (crop) return { size: crop, fit: 'crop' };
  const sides = sidesOf(size);
  if (sides) return { size: sides };
  if (typeof short !== 'number') return {};
  // ConvNeXt's: below 384 pixels the shorter side is enlarged by the share, and the middle cut out.
  if (typeof config.crop_pct === 'number' && short < 384)
    return { size: [short, short], fit: 'crop', cropPct: config.crop_pct };
  if (typeof config.crop_pct !== 'number')
    notes.push(
      `it keeps the sides' ratio (shortest_edge ${short}); pictures were squeezed to ${short}x${short}, preprocess.size is another`,
    );
  return { size: [short, short] };
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
