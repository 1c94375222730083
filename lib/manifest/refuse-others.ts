import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { folderError } from '../io/output-error.ts';
import { openRegular } from '../io/regular-file.ts';
import { wholeLines } from '../io/whole-lines.ts';
import { LONGEST_LINE } from './limits.ts';
import { manifestPart, placeOf } from './manifest-name.ts';
import { headerDifference, parseHeader, type RunHeader } from './run-header.ts';

/**
 * Sees that a folder, if it is there, holds no results of another run beside those of this one: parts of another division, the same part
 * under another number, or made in another way. One of the other parts is read, since each of them was looked at in this way.
 * @param part without an index: of all parts
 * @throws `ERR_OUTPUT`
 */
export async function refuseOthers(
  folder: string,
  part: { readonly index?: number; readonly count: number } | undefined,
  header: RunHeader,
): Promise<void> {
  const ownPlace = part?.index === undefined ? undefined : part.index % part.count;
  let isCompared = false;
  const entries = await opendir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw folderError(folder, error);
  });
  for await (const { name } of entries) {
    const other = manifestPart(name);
    if (other === undefined || (other?.index === part?.index && other?.count === part?.count)) continue;
    if (other?.count !== part?.count) throw refused(folder, name, 'of another run');
    if (other && placeOf(other) === ownPlace)
      throw refused(folder, name, 'of this part under another number (counted from 0 or from 1, not both)');
    if (isCompared) continue;
    isCompared = true;
    const earlier = await readHeader(join(folder, name));
    const difference = earlier && headerDifference(earlier, header);
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
