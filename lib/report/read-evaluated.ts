import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { jsonRecord } from '../common/json-record.ts';
import { isIdentity, type RunIdentity } from '../evaluation/run-record.ts';
import { isMissing, openRegular } from '../io/regular-file.ts';
import { type FileLine, wholeLines } from '../io/whole-lines.ts';
import { parseEvaluated } from './check-evaluated.ts';
import type { EvaluatedPicture } from './evaluated-image.ts';

/** Of an evaluation, beside its table: a line with its identity, then one for each image that its page shows. */
export const PICTURES_FILE = 'pictures.jsonl';

/** Bytes of a line: hundreds of the largest maps. */
const LONGEST = 2 ** 26;

/** The first line. */
export function headerOf(run: RunIdentity): string {
  return `${JSON.stringify({ run })}\n`;
}

/**
 * Hands on the images that an evaluation's folder has pictures and maps of, one after the other.
 * @param differs why images of such a run are of no use; nothing where they are
 * @returns what is wrong with the file, for people; nothing where it is whole, or not there
 * @throws what `take` throws
 */
export async function readEvaluated(
  folder: string,
  differs: (run: RunIdentity) => string | undefined,
  take: (picture: EvaluatedPicture, line: FileLine) => void | Promise<void>,
): Promise<string | undefined> {
  const path = join(folder, PICTURES_FILE);
  let damaged = 0;
  let isFirst = true;
  try {
    const open = await openRegular(path);
    try {
      for await (const line of wholeLines(open, LONGEST)) {
        const picture = isFirst ? undefined : parseEvaluated(line.text);
        if (picture) await take(picture, line);
        else if (isFirst) {
          const why = whyUseless(line.text, differs);
          if (why !== undefined) return `${path} is left aside: ${why}`;
        } else damaged++;
        isFirst = false;
      }
    } finally {
      await open.file.close();
    }
  } catch (cause) {
    if (cause instanceof OnnxCamError) throw cause;
    return isMissing(cause) ? undefined : `${path} could not be read to its end: ${(cause as Error).message}`;
  }
  if (damaged === 0) return undefined;
  return `${path} has ${damaged} damaged ${damaged === 1 ? 'line, whose picture and maps are' : 'lines, whose pictures and maps are'} left out`;
}

function whyUseless(header: string, differs: (run: RunIdentity) => string | undefined): string | undefined {
  const run = jsonRecord(header)?.run;
  return isIdentity(run) ? differs(run) : 'it does not say of which evaluation it is';
}
