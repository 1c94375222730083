import { readdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { packageVersion } from '#package';
import { writeFileAtomic } from '../io/atomic-write.ts';
import { makeFolder } from '../io/make-folder.ts';
import { folderError } from '../io/output-error.ts';
import type { ReportData, ReportPhoto, ReportRun } from './data.ts';
import { reportHtml, scriptJson } from './html.ts';
import { pageFiles } from './page-files.ts';
import { PHOTOS_PER_CHUNK, type PhotoPayload } from './payload.ts';

/** A photograph with its picture and maps. */
export interface PhotoEntry {
  readonly photo: Omit<ReportPhoto, 'chunk' | 'place'>;
  readonly payload: PhotoPayload;
}

export interface ReportSource {
  /** Read when all photographs are. */
  readonly runs: readonly ReportRun[];
  readonly photos: AsyncIterable<PhotoEntry> | Iterable<PhotoEntry>;
  /** Photographs that the report doesn't show. */
  readonly leftOut: number;
}

/** Bytes of photographs and maps: above the first the file is told to be large, above the second they lie beside it. */
export interface ReportLimits {
  readonly warn: number;
  readonly beside: number;
}

export interface WrittenReport {
  /** Of the page. */
  readonly path: string;
  /** Of all that was written. */
  readonly bytes: number;
  readonly warnings: readonly string[];
}

const LIMITS: ReportLimits = { warn: 50e6, beside: 100e6 };

/**
 * Writes the page in one step. The folder is made; what a former page of this name had beside it is replaced.
 * @param path of the page, as a rule index.html
 * @throws `ERR_OUTPUT`, and what reading the photographs throws
 */
export async function writeReport(
  path: string,
  { runs, photos, leftOut }: ReportSource,
  limits: ReportLimits = LIMITS,
): Promise<WrittenReport> {
  const files = pageFiles();
  const folder = dirname(path);
  await makeFolder(folder).catch(cause => {
    throw folderError(folder, cause);
  });
  const chunks = new Chunks(join(folder, dataFolder(path)), limits.beside);
  const listed: ReportPhoto[] = [];
  let payloads: PhotoPayload[] = [];
  for await (const { photo, payload } of photos) {
    listed.push({ ...photo, chunk: chunks.count, place: payloads.length });
    if (payloads.push(payload) < PHOTOS_PER_CHUNK) continue;
    await chunks.add(payloads);
    payloads = [];
  }
  if (payloads.length > 0) await chunks.add(payloads);
  const data: ReportData = {
    version: packageVersion(),
    made: new Date().toISOString(),
    runs,
    photos: listed,
    leftOut,
    payloads: chunks.areBeside ? basename(chunks.folder) : null,
  };
  let page = 0;
  async function* counted(): AsyncGenerator<string, void, void> {
    for await (const part of reportHtml(data, chunks.inside, files)) {
      page += Buffer.byteLength(part);
      yield part;
    }
  }
  await writeFileAtomic(path, counted());
  await chunks.removeFormer();
  return {
    path,
    bytes: page + (chunks.areBeside ? chunks.bytes : 0),
    warnings: warningsOf(path, page, chunks, limits),
  };
}

/** Each page has its own: several may lie in one folder. */
function dataFolder(path: string): string {
  const name = basename(path, extname(path));
  return name === 'index' ? 'data' : `${name}-data`;
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

function warningsOf(path: string, page: number, chunks: Chunks, { warn }: ReportLimits): string[] {
  if (chunks.areBeside)
    return [
      `the photographs and maps of the report take ${megabytes(chunks.bytes)}; they lie in ${chunks.folder}, which belongs beside ${path} when it is sent`,
    ];
  return page > warn
    ? [`${path} has ${megabytes(page)}; browsers take a while to open it, with fewer inputs it is smaller`]
    : [];
}

/** Photographs and maps, kept for the page until they are too many: then each chunk is a file. */
class Chunks {
  readonly folder: string;
  readonly #limit: number;
  #kept: string[] = [];
  areBeside = false;
  count = 0;
  bytes = 0;

  constructor(folder: string, limit: number) {
    this.folder = folder;
    this.#limit = limit;
  }

  get inside(): readonly string[] {
    return this.#kept;
  }

  async add(payloads: readonly PhotoPayload[]): Promise<void> {
    const text = scriptJson(payloads);
    // Base64 and what escapes leave are ASCII, but for labels, which are few.
    this.bytes += text.length;
    this.#kept.push(text);
    this.count++;
    if (this.bytes <= this.#limit) return;
    if (!this.areBeside)
      await makeFolder(this.folder).catch(cause => {
        throw folderError(this.folder, cause);
      });
    this.areBeside = true;
    const first = this.count - this.#kept.length;
    for (const [i, chunk] of this.#kept.entries())
      await writeFileAtomic(join(this.folder, nameOf(first + i)), `onnxCamPhotos(${first + i}, ${chunk});\n`);
    this.#kept = [];
  }

  /** Files of a former report that this one has not; the folder with them if nothing else lies there. */
  async removeFormer(): Promise<void> {
    const own = new Set(this.areBeside ? Array.from({ length: this.count }, (_, i) => nameOf(i)) : []);
    const names = await readdir(this.folder).catch((): string[] => []);
    const former = names.filter(name => /^photos-\d+\.js$/.test(name) && !own.has(name));
    for (const name of former) await rm(join(this.folder, name), { force: true });
    if (former.length > 0) await rmdir(this.folder).catch(() => {});
  }
}

const nameOf = (chunk: number): string => `photos-${chunk}.js`;
