import { extname } from 'node:path';
import { openInside } from '../io/inside-folder.ts';
import { readWhole } from '../io/regular-file.ts';
import { walkFolder } from '../io/walk-folder.ts';
import { invalidTruth } from './error.ts';
import { readMaskFile } from './mask-file.ts';
import { NameIndex } from './name-index.ts';
import type { PictureTruth, TruthSource } from './truth.ts';
import { readVoc } from './voc.ts';

/** Bytes of an XML file. */
const LARGEST_XML = 2 ** 24;

/**
 * A folder of masks (STEM.png) or of VOC's annotations (STEM.xml), with its subfolders. Files are read when their picture comes.
 * @throws `ERR_TRUTH_INVALID` for a folder that holds neither, or both
 */
export async function openTruthFolder(folder: string): Promise<TruthSource> {
  const { files } = await walkFolder(folder);
  const of = (extension: string) => files.filter(({ path }) => extname(path).toLowerCase() === extension);
  const [masks, annotations] = [of('.png'), of('.xml')];
  if (masks.length > 0 && annotations.length > 0)
    throw invalidTruth(
      folder,
      `it holds ${masks.length} .png files, which may be masks, and ${annotations.length} .xml files, which may be VOC's ` +
        'annotations; give a folder with only one of them',
    );
  if (masks.length + annotations.length === 0)
    throw invalidTruth(folder, "it holds neither masks (STEM.png) nor VOC's annotations (STEM.xml)");
  const index = new NameIndex<string>(folder);
  for (const { path, below } of [...masks, ...annotations]) index.take(below, () => path);
  const warnings = new Set<string>();
  const read = masks.length > 0 ? maskOf(folder, warnings) : (path: string) => annotationOf(folder, path);
  return {
    find: async input => {
      const path = typeof input === 'string' ? index.find(input) : undefined;
      return path === undefined ? undefined : read(path);
    },
    unmatched: () => index.unfound(),
    warnings: () => [...warnings],
  };
}

function maskOf(folder: string, warnings: Set<string>): (path: string) => PictureTruth {
  return path => ({
    from: path,
    labels: [],
    at: async () => {
      const { mask, whiteIsObject } = await readMaskFile(folder, path);
      if (whiteIsObject)
        warnings.add(
          'truth: masks of 0 and 255 alone are read as black and white: 255 is the object, not what takes no part',
        );
      return { boxes: [], mask };
    },
  });
}

async function annotationOf(folder: string, path: string): Promise<PictureTruth> {
  try {
    const bytes = await readWhole(await openInside(folder, path), LARGEST_XML);
    return readVoc(Buffer.from(bytes).toString('utf8'), path);
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_TRUTH_INVALID') throw cause;
    throw invalidTruth(path, `it cannot be read: ${(cause as Error).message}`, cause);
  }
}
