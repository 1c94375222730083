import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { OnnxCamError } from '../errors.ts';
import { Labels } from './labels.ts';

/**
 * Class names from an array or a text file with one a line.
 * @param modelPath a relative file name in the JSON beside the model is looked up in the model's folder, others in the
 * working directory first
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
  const candidates =
    labels instanceof URL || modelPath === undefined
      ? [labels]
      : [labels, resolve(dirname(modelPath), labels as string)];
  let failure: unknown;
  for (const file of candidates) {
    try {
      const text = await readFile(file as string | URL, 'utf8');
      return new Labels(
        text
          .replace(/^\uFEFF/, '')
          .replace(/\r?\n$/, '')
          .split(/\r?\n/),
      );
    } catch (error) {
      failure = error;
    }
  }
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `the labels file '${labels}' cannot be read: ${(failure as Error).message}`,
    {
      cause: failure,
    },
  );
}
