import { findManifests } from '../../manifest/find-manifests.ts';
import { METHODS } from '../../methods/registry.ts';
import { SAVE_KINDS } from '../options/save-option.ts';

const escaped = (text: string): string => text.replace(/[.+*?^$()[\]{}|\\]/g, '\\$&');

/** What `explain` calls the files of its results: STEM.METHOD.KIND.EXT, and its contact sheet. */
const RESULT = new RegExp(
  `(^|/)(.+\\.(${METHODS.map(({ name }) => escaped(name)).join('|')})\\.(${SAVE_KINDS.join('|')})\\.(npy|png|jpg|webp)|contact-sheet(-\\d+)?\\.png)$`,
);

interface Found {
  readonly path: string;
  /** Below the folder that was looked through. */
  readonly below: string;
}

/**
 * Files that were found in a folder, without the results that `explain` wrote there: a run into the folder of its pictures goes on with
 * these, and its overlays are no pictures of anything. In a folder without manifests all are what they are.
 * @returns the others, and how many were left out
 */
export async function withoutResults<T extends Found>(
  found: readonly T[],
): Promise<{ kept: readonly T[]; left: number }> {
  const [first] = found.filter(({ below }) => RESULT.test(below));
  if (!first) return { kept: found, left: 0 };
  const folder = first.path.slice(0, first.path.length - first.below.length) || '.';
  // Manifests of two runs are manifests too.
  const hasManifests = await findManifests(folder).then(
    manifests => manifests !== undefined,
    () => true,
  );
  if (!hasManifests) return { kept: found, left: 0 };
  const kept = found.filter(({ below }) => !RESULT.test(below));
  return { kept, left: found.length - kept.length };
}
