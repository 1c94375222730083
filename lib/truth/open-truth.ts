import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { invalid } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import { openRegular, readRegular } from '../io/regular-file.ts';
import { readBoxesCsv } from './boxes-csv.ts';
import { readCoco } from './coco.ts';
import { invalidTruth } from './error.ts';
import { openTruthFolder } from './folder.ts';
import { givenTruth } from './given.ts';
import type { MarkedPicture } from './marked-picture.ts';
import type { NameIndex } from './name-index.ts';
import type { GivenTruth, TruthInput, TruthSource } from './truth.ts';

/** Bytes of a JSON file; what a string of Node holds. */
const LARGEST_JSON = 2 ** 29 - 2 ** 10;

/**
 * Opens what says where the objects of pictures are.
 * @throws `ERR_TRUTH_INVALID` for a path that leads to none of the known forms, with the line where a file is damaged;
 * `ERR_OPTION_INVALID` for what is neither a path, a function nor { boxes, mask, label }
 */
export async function openTruth(truth: TruthInput): Promise<TruthSource> {
  if (typeof truth === 'string') return openPath(truth);
  if (typeof truth === 'function') {
    const ask = truth as (input: unknown) => GivenTruth | null | undefined | Promise<GivenTruth | null | undefined>;
    return sourceOf(async input => givenTruth(await ask(input), 'of the function'));
  }
  if (typeof truth !== 'object' || truth === null)
    throw invalid(`\`truth\` is a path, a function of the image, or { boxes, mask, label }, not ${shown(truth)}`);
  const known = givenTruth(truth, 'given');
  return sourceOf(async () => known);
}

function sourceOf(find: TruthSource['find']): TruthSource {
  return { find, unmatched: () => 0, warnings: () => [] };
}

async function openPath(path: string): Promise<TruthSource> {
  const info = await stat(path).catch(cause => {
    throw invalidTruth(path, `it cannot be read: ${(cause as Error).message}`, cause);
  });
  if (info.isDirectory()) return openTruthFolder(path);
  const extension = extname(path).toLowerCase();
  if (extension === '.json') return fromIndex(readCoco(await parseJson(path), path));
  if (extension === '.csv') return fromIndex(await readCsvFile(path));
  throw invalidTruth(
    path,
    "expected a folder of masks (STEM.png) or of VOC's annotations (STEM.xml), a COCO file (.json) or a table (.csv)",
  );
}

function fromIndex(index: NameIndex<MarkedPicture>): TruthSource {
  return {
    find: async input => (typeof input === 'string' ? index.find(input) : undefined),
    unmatched: () => index.unfound(),
    warnings: () => [],
  };
}

async function parseJson(path: string): Promise<unknown> {
  try {
    const bytes = await readRegular(path, LARGEST_JSON);
    return JSON.parse(
      Buffer.from(bytes)
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    );
  } catch (cause) {
    throw invalidTruth(path, `it is no JSON that can be read: ${(cause as Error).message}`, cause);
  }
}

async function readCsvFile(path: string): Promise<NameIndex<MarkedPicture>> {
  const { file } = await openRegular(path).catch(cause => {
    throw invalidTruth(path, `it cannot be read: ${(cause as Error).message}`, cause);
  });
  try {
    return await readBoxesCsv(file.createReadStream({ autoClose: false }), path);
  } finally {
    await file.close();
  }
}
