import { extname } from 'node:path';
import { NameSet, nameKey } from './name-set.ts';

/** An input as its files' names are made of it. */
export interface NamedInput {
  /** As it was given or found. */
  readonly path: string;
  /** Its path below the folder or the fixed part of the glob that it was found with, with `/`; else its name. */
  readonly below: string;
  /** Whether it may stand for several images, each with a number behind the stem. */
  readonly isTensor: boolean;
}

/**
 * The first parts of the names of inputs' files. They depend on the inputs alone, not on their order or on what is found in them, so
 * that all processes that share a list give the same ones. What several would share is kept apart by the extension, and what that does
 * not tell apart by numbers, in the order of the paths: `cat.jpg` and `cat.png`, then `cat.jpg-2` (contract: the command, files).
 * That stems differ is not enough: `two.0` is the first image of two.npy and all of two.0.png.
 * @returns one for each input, in their order
 */
export function settleStems(inputs: readonly NamedInput[]): string[] {
  const stems = inputs.map(({ below }) => below.slice(0, below.length - extname(below).length));
  const natural = new TakenNames();
  const several = new NameSet();
  stems.forEach((stem, i) => {
    if (natural.has(stem)) several.add(stem);
    natural.take(stem, inputs[i]!.isTensor);
  });
  const shared: number[] = [];
  stems.forEach((stem, i) => {
    if (several.has(stem) || natural.hasRootOf(stem)) shared.push(i);
  });
  // As a rule: of a million names a second set of them need not be made.
  if (shared.length === 0) return stems;
  const taken = new TakenNames();
  const isShared = new Set(shared);
  stems.forEach((stem, i) => {
    if (!isShared.has(i)) taken.take(stem, inputs[i]!.isTensor);
  });
  shared.sort((a, b) => compare(inputs[a]!.path, inputs[b]!.path) || a - b);
  const next = new Map<string, number>();
  for (const i of shared) {
    const { below, isTensor } = inputs[i]!;
    const key = nameKey(below);
    // Behind the end of a target's name, a number would be a part of that.
    const joint = TARGET_END.test(below) ? '_' : '-';
    const nameOf = (count: number) => (count === 1 ? below : `${below}${joint}${count}`);
    let count = next.get(key) ?? 1;
    while (!taken.isFree(nameOf(count), isTensor)) count++;
    next.set(key, count + 1);
    stems[i] = nameOf(count);
    taken.take(stems[i], isTensor);
  }
  return stems;
}

/** Inputs in the order of their paths, which is the same on all machines. */
export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return compare(a.path, b.path);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Stems, with those that would be some of their files' if something were inserted behind them. */
class TakenNames {
  readonly #stems = new NameSet();
  readonly #tensors = new NameSet();
  /** What a tensor of this stem must not come to: the roots of those that are taken. */
  readonly #roots = new NameSet();
  readonly #tensorRoots = new NameSet();

  take(stem: string, isTensor: boolean): void {
    this.#stems.add(stem);
    if (isTensor) this.#tensors.add(stem);
    const { ofTarget, ofImage } = rootsOf(stem);
    for (const root of ofTarget) this.#roots.add(root);
    for (const root of ofImage) this.#tensorRoots.add(root);
  }

  has(stem: string): boolean {
    return this.#stems.has(stem);
  }

  isFree(stem: string, isTensor: boolean): boolean {
    const isRoot = this.#roots.has(stem) || (isTensor && this.#tensorRoots.has(stem));
    return !this.#stems.has(stem) && !isRoot && !this.hasRootOf(stem);
  }

  /** Whether files of a stem that is taken may have this one. */
  hasRootOf(stem: string): boolean {
    const { ofTarget, ofImage } = rootsOf(stem);
    return ofTarget.some(root => this.#stems.has(root)) || ofImage.some(root => this.#tensors.has(root));
  }
}

const TARGET_END = /\.t\d+(-\d+)?$/;

/** What a stem would come from if its end were what is inserted for a target (`.t281`, `.t281-2`), or for an image of a tensor before it. */
function rootsOf(stem: string): { readonly ofTarget: string[]; readonly ofImage: string[] } {
  const ofTarget = withoutEnd(stem, TARGET_END);
  const ofImage = [stem, ...ofTarget].flatMap(one => withoutEnd(one, /\.\d+$/));
  return { ofTarget, ofImage };
}

function withoutEnd(text: string, end: RegExp): string[] {
  const shorter = text.replace(end, '');
  return shorter === text || shorter === '' ? [] : [shorter];
}
