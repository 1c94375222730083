import { isAbsolute, join } from 'node:path';
import { OnnxCamError } from '../../common/errors.ts';
import { isThere } from '../../io/is-there.ts';
import { findManifests } from '../../manifest/find-manifests.ts';
import { readManifests } from '../../manifest/read-manifests.ts';
import { plural } from '../tell/text.ts';

interface Arguments {
  /** Folders of `explain` left out. */
  readonly given: readonly string[];
  /** What the manifests in those name, each once. */
  readonly listed: readonly string[];
}

/**
 * The command's arguments, with what `explain` left in a folder standing for the inputs that it explained: the pictures in there are
 * drawings of maps.
 * @param note is told of each such folder
 * @throws `ERR_OPTION_INVALID` for manifests that are damaged, or of different runs; `ERR_ABORTED`
 */
export async function explainedInputs(
  given: readonly string[],
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<Arguments> {
  const others: string[] = [];
  const listed: string[] = [];
  for (const folder of given) {
    const found = await findManifests(folder).catch((error: unknown) => {
      if (error instanceof OnnxCamError) throw error;
      // Told where its pictures are looked for.
      return undefined;
    });
    if (!found) {
      others.push(folder);
      continue;
    }
    const names = new Set<string>();
    await readManifests(found, ({ value }) => typeof value.input === 'string' && names.add(value.input), signal);
    // Parts are cut from a list that was sorted.
    const ordered = found.names.length > 1 ? [...names].sort() : [...names];
    for (const name of ordered) listed.push(await placeOf(name, folder));
    note(`${folder} is what explain wrote: taken are the ${plural(names.size, 'input')} that it explained`);
    for (const warning of found.warnings) note(warning);
  }
  return { given: others, listed };
}

/** Names are relative to where `explain` ran; who moves a folder moves what lies in it. */
async function placeOf(name: string, folder: string): Promise<string> {
  const inside = join(folder, name);
  return isAbsolute(name) || (await isThere(name)) || !(await isThere(inside)) ? name : inside;
}
