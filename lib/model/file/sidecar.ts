import { dirname } from 'node:path';
import { isRecord } from '../../common/checks.ts';
import { OnnxCamError } from '../../common/errors.ts';
import { shown } from '../../common/shown.ts';
import { didYouMean } from '../../common/suggest.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { checkPreprocess } from '../../image/preprocess-options.ts';
import { openInside, openNamedInside } from '../../io/inside-folder.ts';
import { parseNpyTensor } from '../../io/npy.ts';
import { isMissing, readWhole } from '../../io/regular-file.ts';
import { DETECTION_FORMATS, type DetectionFormatName } from '../../targets/detection.ts';
import type { LayerSpec } from '../find/choose-layer.ts';

/** What the JSON file beside a model may say; options of `load` win over it. */
export interface Sidecar {
  /** A preset's name or the values themselves. */
  readonly preprocess?: string | Readonly<Record<string, unknown>>;
  /** Class names, by place or by index, or the name of a file inside the model's folder. */
  readonly labels?: readonly string[] | Readonly<Record<number, string>> | string;
  readonly layer?: LayerSpec;
  readonly input?: string;
  readonly output?: string;
  /** Fixed tensors for the other inputs: names of `.npy` files inside the model's folder. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Of detections a format's name; false where there are none. */
  readonly detector?: false | DetectionFormatName;
  readonly tokens?: { readonly grid?: readonly [number, number]; readonly prefix?: number };
}

/** For people; neither read nor refused. */
const REMARKS = ['name', 'description', 'source', 'license'];

type Check = { readonly expected: string; readonly accepts: (value: unknown) => boolean };

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const isLayer = (value: unknown): boolean => isText(value) || (Number.isInteger(value) && (value as number) < 0);

const CHECKS: Readonly<Record<keyof Sidecar, Check>> = {
  preprocess: { expected: "a preset's name or an object", accepts: value => isText(value) || isRecord(value) },
  labels: {
    expected: 'an array of class names, an object with their indices, or the name of a file',
    accepts: value =>
      isText(value) || isRecord(value) || (Array.isArray(value) && value.every(label => typeof label === 'string')),
  },
  layer: {
    expected: 'a layer name, a negative number, or an array of these',
    accepts: value => isLayer(value) || (Array.isArray(value) && value.length > 0 && value.every(isLayer)),
  },
  input: { expected: 'the name of an input', accepts: isText },
  output: { expected: 'the name of an output', accepts: isText },
  inputs: {
    expected: 'an object { "NAME": "FILE.npy" }',
    accepts: value => isRecord(value) && Object.values(value).every(isText),
  },
  detector: {
    expected: `false or one of ${DETECTION_FORMATS.join(', ')}`,
    accepts: value => value === false || DETECTION_FORMATS.includes(value as DetectionFormatName),
  },
  tokens: { expected: '{ "grid": [h, w], "prefix": n }', accepts: isTokens },
};

/** `{ grid: [h, w], prefix: n }` with positive sides; either may be left out. */
export function isTokens(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { grid, prefix, ...others } = value;
  const isSide = (side: unknown) => isCount(side) && side !== 0;
  const goodGrid = grid === undefined || (Array.isArray(grid) && grid.length === 2 && grid.every(isSide));
  return goodGrid && (prefix === undefined || isCount(prefix)) && Object.keys(others).length === 0;
}

/** Bytes; far above a file with names for thousands of classes. */
const LARGEST_SIDECAR = 2 ** 24;

/**
 * Reads `MODEL.onnx.json` where there is one; it must be in the model's folder itself, and not a link to somewhere else.
 * Keys that start with `$` or `_`, and `name`, `description`, `source` and `license`, are remarks for people.
 * @throws OnnxCamError `ERR_OPTION_INVALID` when it cannot be read, is no JSON, has an unknown key or a value of the wrong
 * kind
 */
export async function readSidecar(modelPath: string): Promise<Sidecar> {
  const path = `${modelPath}.json`;
  let text: string;
  try {
    text = new TextDecoder().decode(await readWhole(await openInside(dirname(modelPath), path), LARGEST_SIDECAR));
  } catch (cause) {
    if (isMissing(cause)) return {};
    throw new OnnxCamError('ERR_OPTION_INVALID', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const sidecar = parseSidecar(text, path);
  checkPreprocess(sidecar.preprocess, `preprocess in ${path}`);
  return sidecar;
}

/** Bytes: what one array in memory holds. */
const LARGEST_TENSOR = 2 ** 31 - 1;

/**
 * The fixed tensors that the file beside a model names, from inside the model's folder.
 * @throws `ERR_OPTION_INVALID` for a file that is elsewhere or cannot be read
 */
export async function readInputsBeside({ inputs }: Sidecar, modelPath: string): Promise<Record<string, Tensor>> {
  const read = async ([name, file]: readonly [string, string]): Promise<[string, Tensor]> => {
    try {
      const bytes = await readWhole(await openNamedInside(dirname(modelPath), file), LARGEST_TENSOR);
      return [name, parseNpyTensor(bytes, file)];
    } catch (cause) {
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `${modelPath}.json: "inputs" names ${shown(file)} for "${name}": ${(cause as Error).message}`,
        { cause },
      );
    }
  };
  return Object.fromEntries(await Promise.all(Object.entries(inputs ?? {}).map(read)));
}

/** @param path for messages only */
export function parseSidecar(text: string, path: string): Sidecar {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new OnnxCamError('ERR_OPTION_INVALID', `${path} is no valid JSON: ${(cause as Error).message}`, { cause });
  }
  if (!isRecord(value)) throw new OnnxCamError('ERR_OPTION_INVALID', `${path} must hold a JSON object`);
  const known = Object.keys(CHECKS);
  const entries = Object.entries(value).filter(([key]) => !/^[$_]/.test(key) && !REMARKS.includes(key));
  for (const [key, item] of entries) {
    if (!known.includes(key))
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `${path}: unknown key ${shown(key)}${didYouMean(key, known)}; known are ${known.join(', ')}`,
      );
    const check = CHECKS[key as keyof Sidecar];
    if (!check.accepts(item))
      throw new OnnxCamError('ERR_OPTION_INVALID', `${path}: "${key}" must be ${check.expected}, not ${shown(item)}`);
  }
  return Object.fromEntries(entries);
}
