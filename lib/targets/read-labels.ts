import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { Labels } from './labels.ts';

/**
 * Class names from an array or a text file with one a line.
 * @param modelPath a file that is not in the working directory is looked for in the model's folder
 * @throws `ERR_OPTION_INVALID`
 */
export async function readLabels(
  labels: readonly string[] | string | URL | undefined,
  modelPath: string | undefined,
): Promise<Labels | undefined> {
  if (labels === undefined) return undefined;
  if (Array.isArray(labels)) {
    if (labels.every(label => typeof label === 'string')) return new Labels(labels);
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      '`labels` must be an array of strings or a file with one label a line',
    );
  }
  if (typeof labels !== 'string' && !(labels instanceof URL))
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      '`labels` must be an array of strings or a file with one label a line',
    );
  const candidates = [labels];
  if (typeof labels === 'string' && modelPath !== undefined) candidates.push(resolve(dirname(modelPath), labels));
  let failure: NodeJS.ErrnoException | undefined;
  for (const file of candidates) {
    try {
      return parseLabels(await readFile(file, 'utf8'));
    } catch (error) {
      failure = error as NodeJS.ErrnoException;
      // A file that is there and cannot be read is the one that was meant.
      if (failure.code !== 'ENOENT') break;
    }
  }
  throw new OnnxCamError('ERR_OPTION_INVALID', `the labels file '${labels}' cannot be read: ${failure?.message}`, {
    cause: failure,
  });
}

function parseLabels(text: string): Labels {
  const lines = text
    .replace(/^\uFEFF/, '')
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  return new Labels(lines);
}
