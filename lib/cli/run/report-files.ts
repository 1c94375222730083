import { throwIfAborted } from '../../common/errors.ts';
import { readRunFolder } from '../../report/run-folder.ts';
import { reportSource } from '../../report/run-source.ts';
import { type PhotoEntry, type WrittenReport, writeReport } from '../../report/write-report.ts';
import type { Console } from '../tell/console.ts';
import { oneLine } from '../tell/text.ts';

/** The page's name in a folder of its own, or beside the results. */
export const PAGE = 'index.html';

/** What a report is made of, and where it goes. */
export interface ReportFiles {
  /** One, or two that are compared. */
  readonly folders: readonly [first: string, second?: string];
  /** Of the page. */
  readonly path: string;
  /** Photographs of each folder that are shown: the first ones (lib/report/read-options.ts). */
  readonly pictures: number | undefined;
  /** Whether to show a progress bar, where standard error is a terminal. */
  readonly progress: boolean;
  readonly signal?: AbortSignal;
}

/** Names of pictures and maps that are told as gone; thousands may be. */
const MOST_NAMES = 5;

/**
 * Writes the report of a folder or two, and tells what is gone and what is large.
 * @throws `ERR_OPTION_INVALID` for folders that none of the commands wrote, `ERR_OUTPUT`, `ERR_ABORTED`
 */
export async function writeFolderReport(
  console: Console,
  { folders, path, pictures, progress, signal }: ReportFiles,
): Promise<WrittenReport> {
  const gone = new Set<string>();
  const read = (folder: string) =>
    readRunFolder(folder, {
      missing: what => gone.add(what),
      warn: text => console.warn(oneLine(text)),
      pictures,
      signal,
    });
  const first = await read(folders[0]);
  const second = folders[1] === undefined ? undefined : await read(folders[1]);
  const source = reportSource(first, second);
  async function* counted(): AsyncGenerator<PhotoEntry> {
    let done = 0;
    for await (const entry of source.photos) {
      throwIfAborted(signal);
      console.progress.update(++done, entry.photo.name);
      yield entry;
    }
  }
  if (progress) console.progress.start(Math.max(first.photos.length, second?.photos.length ?? 0));
  try {
    const written = await writeReport(path, { ...source, photos: counted() });
    const names = [...gone].slice(0, MOST_NAMES).map(oneLine);
    const further = gone.size > MOST_NAMES ? ` and ${gone.size - MOST_NAMES} more` : '';
    if (names.length > 0) console.warn(`not in the report, since they are gone: ${names.join(', ')}${further}`);
    for (const warning of written.warnings) console.warn(warning);
    return written;
  } finally {
    console.progress.stop();
  }
}
