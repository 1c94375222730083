import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { evaluationFolder } from './evaluation-folder.ts';
import { explainedFolder } from './explained-folder.ts';
import type { RunSource } from './run-source.ts';

/** What tells the kinds of folders apart, and who reads them. */
const KINDS: readonly {
  readonly command: string;
  readonly file: string;
  readonly read: (folder: string, missing: (what: string) => void) => Promise<RunSource>;
}[] = [
  { command: 'explain', file: 'manifest.json', read: explainedFolder },
  { command: 'evaluate', file: 'metrics.csv', read: evaluationFolder },
];

/**
 * What a command left in a folder.
 * @param missing is told of each picture and map that is gone
 * @throws `ERR_OPTION_INVALID` for a folder that none has written, or whose files are damaged
 */
export async function readRunFolder(folder: string, missing: (what: string) => void): Promise<RunSource> {
  for (const { file, read } of KINDS) if (await isThere(join(folder, file))) return read(folder, missing);
  const expected = KINDS.map(({ command, file }) => `${file} of onnx-cam ${command}`).join(' or ');
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    (await isThere(folder))
      ? `there is no ${expected} in ${folder}: give the folder that --out named`
      : `there is no folder ${folder}`,
  );
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
