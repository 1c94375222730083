import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { isThere } from '../io/is-there.ts';
import { findManifests } from '../manifest/find-manifests.ts';
import { evaluationFolder } from './evaluation-folder.ts';
import { explainedFolder } from './explained-folder.ts';
import type { ReadOptions } from './read-options.ts';
import type { RunSource } from './run-source.ts';

/**
 * What a command left in a folder.
 * @throws `ERR_OPTION_INVALID` for a folder that none has written, or whose files are damaged; `ERR_ABORTED`
 */
export async function readRunFolder(folder: string, options: ReadOptions): Promise<RunSource> {
  const found = await findManifests(folder).catch(cause => {
    if (cause instanceof OnnxCamError) throw cause;
    throw new OnnxCamError('ERR_OPTION_INVALID', `${folder} cannot be read (${(cause as Error).message})`, { cause });
  });
  if (found) return explainedFolder(found, options);
  if (await isThere(join(folder, 'metrics.csv'))) return evaluationFolder(folder, options);
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    (await isThere(folder))
      ? `there is no manifest.jsonl of onnx-cam explain or metrics.csv of onnx-cam evaluate in ${folder}: give the folder that --out named`
      : `there is no folder ${folder}`,
  );
}
