import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { folderError } from '../io/output-error.ts';
import { openRegular } from '../io/regular-file.ts';
import { wholeLines } from '../io/whole-lines.ts';
import { LONGEST_LINE } from './limits.ts';
import { type ManifestPart, manifestName, manifestPart, placeOf } from './manifest-name.ts';
import { headerDifference, parseHeader, type RunHeader } from './run-header.ts';

/**
 * Sees that a folder, if it is there, holds no results of another run beside those of this one: parts of another division, the same part
 * under another number, or made in another way. One of the other parts is read, since each of them was looked at in this way.
 * @param header undefined: how they were made is not looked at
 * @throws `ERR_OUTPUT`
 */
export async function refuseOthers(
  folder: string,
  part: ManifestPart | undefined,
  header: RunHeader | undefined,
): Promise<void> {
  const own = manifestName(part);
  let isCompared = header === undefined;
  const entries = await opendir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw folderError(folder, error);
  });
  for await (const { name } of entries) {
    const other = manifestPart(name);
    if (other === undefined || name === own) continue;
    if (part === undefined || other?.count !== part.count) throw refused(folder, name, 'of another run');
    if (placeOf(other) === placeOf(part))
      throw refused(folder, name, 'of this part under another number (counted from 0 or from 1, not both)');
    if (isCompared) continue;
    isCompared = true;
    const earlier = await readHeader(join(folder, name));
    const difference = earlier && headerDifference(earlier, header!);
    if (difference !== undefined) throw refused(folder, name, `of a run that was made ${difference}`);
  }
}

function refused(folder: string, name: string, what: string): OnnxCamError {
  return new OnnxCamError(
    'ERR_OUTPUT',
    `${folder} holds ${name} ${what}, and the results of both could not be told apart: take another --out, or remove it`,
  );
}

/** Nothing where there is none, or it has gone meanwhile. */
async function readHeader(path: string): Promise<RunHeader | undefined> {
  const opened = await openRegular(path).catch(() => undefined);
  if (!opened) return undefined;
  try {
    for await (const { text } of wholeLines(opened, LONGEST_LINE)) return parseHeader(text);
    return undefined;
  } finally {
    await opened.file.close();
  }
}
