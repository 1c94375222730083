import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { isMissing } from '../io/regular-file.ts';
import { type ManifestPart, manifestName, manifestPart, placeOf } from './manifest-name.ts';

/** The manifests of one run. */
export interface FoundManifests {
  readonly folder: string;
  /** Names of the files; parts in their order. */
  readonly names: readonly string[];
  /** What is incomplete, for people. */
  readonly warnings: readonly string[];
}

/** Missing parts that are named; of a queue's chunks thousands may be. */
const MOST_NAMES = 5;
/** Names that are asked for at once: the results of a million pictures lie there too. */
const AT_ONCE = 1024;

/**
 * Which manifests `explain` left in a folder: one, or those of parts.
 * @returns nothing where there is none, or no folder
 * @throws `ERR_OPTION_INVALID` for parts that cannot be of one run; what the file system answers
 */
export async function findManifests(folder: string): Promise<FoundManifests | undefined> {
  const parts: ManifestPart[] = [];
  let whole = false;
  try {
    for await (const { name } of await opendir(folder, { bufferSize: AT_ONCE })) {
      const part = manifestPart(name);
      if (part) parts.push(part);
      else if (part === null) whole = true;
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  if (parts.length === 0) return whole ? { folder, names: [manifestName()], warnings: [] } : undefined;
  parts.sort((a, b) => placeOf(a) - placeOf(b) || a.index - b.index);
  const [first] = parts as [ManifestPart];
  if (whole) throw apart(folder, [manifestName(), manifestName(first)]);
  for (const [i, part] of parts.entries()) {
    if (part.count !== first.count) throw apart(folder, [manifestName(first), manifestName(part)]);
    const next = parts[i + 1];
    if (next && placeOf(next) === placeOf(part)) throw apart(folder, [manifestName(part), manifestName(next)]);
  }
  return { folder, names: parts.map(manifestName), warnings: missingText(folder, parts) };
}

function apart(folder: string, [first, second]: readonly [string, string]): OnnxCamError {
  return new OnnxCamError(
    'ERR_OPTION_INVALID',
    `${folder} holds the manifests of different runs, ${first} and ${second}: take away those that are not wanted, and give each run an --out of its own`,
  );
}

function missingText(folder: string, parts: readonly ManifestPart[]): string[] {
  const { count } = parts[0]!;
  const missing = count - parts.length;
  if (missing === 0) return [];
  const there = new Set(parts.map(placeOf));
  const names: string[] = [];
  for (let index = 0; names.length < Math.min(missing, MOST_NAMES); index++)
    // Without it nothing says from which number the parts are counted.
    if (!there.has(index)) names.push(manifestName({ index, count }) + (index === 0 ? ` (or ${count}of${count})` : ''));
  const further = missing > names.length ? ` and ${missing - names.length} more` : '';
  return [`${missing} of ${count} parts are not in ${folder}: ${names.join(', ')}${further}`];
}

/** Where a manifest lies. */
export const manifestPath = ({ folder }: FoundManifests, name: string): string => join(folder, name);
