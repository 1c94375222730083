import { dirname, resolve } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { LeavesFolder, openNamedInside } from '../io/inside-folder.ts';
import { isMissing, readRegular, readWhole } from '../io/regular-file.ts';
import { Labels } from './labels.ts';

/** Bytes; 100,000 long names. */
const LARGEST_FILE = 2 ** 24;

const EXPECTED = '`labels` must be an array of strings or a file with one label a line';

/**
 * Class names as the user gives them: an array, or a text file with one a line, wherever it is.
 * @param modelPath a file that is not in the working directory is looked for in the model's folder
 * @throws `ERR_OPTION_INVALID`, also for a FIFO, a device or a file above 16 MiB
 */
export async function readLabels(labels: readonly string[] | string | URL, modelPath?: string): Promise<Labels> {
  if (Array.isArray(labels)) {
    if (labels.every(label => typeof label === 'string')) return new Labels(labels);
    throw new OnnxCamError('ERR_OPTION_INVALID', EXPECTED);
  }
  if (typeof labels !== 'string' && !(labels instanceof URL)) throw new OnnxCamError('ERR_OPTION_INVALID', EXPECTED);
  const candidates = [labels];
  if (typeof labels === 'string' && modelPath !== undefined) candidates.push(resolve(dirname(modelPath), labels));
  let failure: unknown;
  for (const file of candidates) {
    try {
      return parseLabels(await readRegular(file, LARGEST_FILE));
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
export async function readLabelsBeside(labels: readonly string[] | string, modelPath: string): Promise<Labels> {
  if (typeof labels !== 'string') return new Labels(labels);
  try {
    return parseLabels(await readWhole(await openNamedInside(dirname(modelPath), labels), LARGEST_FILE));
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

function parseLabels(bytes: Uint8Array): Labels {
  const text = new TextDecoder().decode(bytes);
  return new Labels(text.replace(/\r?\n$/, '').split(/\r?\n/));
}
