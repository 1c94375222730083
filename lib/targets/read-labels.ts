import { dirname, resolve } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { isUrl } from '../common/kinds.ts';
import { LeavesFolder, openNamedInside } from '../io/inside-folder.ts';
import { isMissing, readRegular, readWhole } from '../io/regular-file.ts';
import { namesFromJson } from './label-shapes.ts';
import { Labels } from './labels.ts';

/** Bytes; 100,000 long names. */
const LARGEST_FILE = 2 ** 24;

/** Class names, by place or by index, or the name of a file. */
export type LabelsInput = readonly string[] | Readonly<Record<number, string>> | string | URL;

const EXPECTED =
  '`labels` must be an array of strings, { index: label }, or a file: one label a line, or JSON such as ["cat"], ' +
  '{"0": "cat"}, {"0": ["n02123045", "tabby"]} or { "id2label": … }';

/**
 * Class names as the user gives them: an array, an object, or a file with one a line or with JSON, wherever it is.
 * @param modelPath a file that is not in the working directory is looked for in the model's folder
 * @throws `ERR_OPTION_INVALID`, also for a FIFO, a device or a file above 16 MiB
 */
export async function readLabels(labels: LabelsInput, modelPath?: string): Promise<Labels> {
  if (typeof labels !== 'string' && !isUrl(labels)) return givenLabels(labels, EXPECTED);
  // Of another class than ours it may be none that files are opened by.
  const candidates = [typeof labels === 'string' ? labels : new URL(labels.href)];
  if (typeof labels === 'string' && modelPath !== undefined) candidates.push(resolve(dirname(modelPath), labels));
  let failure: unknown;
  for (const file of candidates) {
    try {
      return parseLabels(await readRegular(file, LARGEST_FILE), String(file));
    } catch (error) {
      failure = error;
      // A file that is there and cannot be read is the one that was meant.
      if (!isMissing(error)) break;
    }
  }
  throw unreadable(String(labels), failure);
}

/**
 * Class names as the file beside a model gives them: an array, or the name of a text file inside the model's folder. No
 * other file is read, because both may come from anywhere, and what is read becomes labels.
 * @throws `ERR_OPTION_INVALID`
 */
export async function readLabelsBeside(
  labels: readonly string[] | Readonly<Record<number, string>> | string,
  modelPath: string,
): Promise<Labels> {
  if (typeof labels !== 'string') return givenLabels(labels, `${modelPath}.json: ${EXPECTED}`);
  try {
    return parseLabels(await readWhole(await openNamedInside(dirname(modelPath), labels), LARGEST_FILE), labels);
  } catch (cause) {
    if (cause instanceof LeavesFolder)
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `${modelPath}.json names the labels file '${labels}'; only files inside the model's own folder are read. ` +
          'Copy it there, or give it as `labels`',
        { cause },
      );
    throw unreadable(labels, cause);
  }
}

function unreadable(file: string, cause: unknown): OnnxCamError {
  return new OnnxCamError(
    'ERR_OPTION_INVALID',
    `the labels file '${file}' cannot be read: ${(cause as Error).message}`,
    {
      cause,
    },
  );
}

function givenLabels(labels: unknown, expected: string): Labels {
  // An empty array is no labels at all, as ever.
  const names = Array.isArray(labels) && labels.length === 0 ? [] : namesFromJson(labels);
  const plain = !Array.isArray(labels) || labels.every(label => typeof label === 'string');
  if (!names || !plain) throw new OnnxCamError('ERR_OPTION_INVALID', expected);
  return new Labels(names);
}

/** @param name of the file: what is called JSON must be some */
function parseLabels(bytes: Uint8Array, name: string): Labels {
  const text = new TextDecoder().decode(bytes);
  if (!/^\s*[[{]/.test(text) && !/\.json$/i.test(name)) return fromLines(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // A first label may begin with a bracket.
    if (!/\.json$/i.test(name)) return fromLines(text);
    throw new Error(`it is no valid JSON: ${(cause as Error).message}`, { cause });
  }
  const names = namesFromJson(value);
  if (names) return new Labels(names);
  throw new Error(`it is JSON of another shape. ${EXPECTED}`);
}

const fromLines = (text: string): Labels => new Labels(text.replace(/\r?\n$/, '').split(/\r?\n/));
