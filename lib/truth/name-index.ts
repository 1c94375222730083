import { resolve } from 'node:path';
import { invalidTruth } from './error.ts';

interface Entry<T> {
  readonly parts: readonly string[];
  readonly value: T;
  /** The picture that it was found for without its folders telling so. */
  usedBy?: string;
  isFound: boolean;
}

/**
 * What names of pictures in a file or folder stand for. Names are compared and never opened: they may be a stranger's, of another
 * machine. That whose end agrees best with a picture's path is the picture's, with its extension or, where none has that, without.
 */
export class NameIndex<T> {
  readonly #from: string;
  readonly #byName = new Map<string, Entry<T>[]>();
  readonly #byStem = new Map<string, Entry<T>[]>();
  readonly #exact = new Map<string, Entry<T>>();

  /** @param from for messages */
  constructor(from: string) {
    this.#from = from;
  }

  /** What a name stands for; made when it is met for the first time. */
  take(name: string, make: () => T): T {
    const parts = partsOf(name);
    const key = parts.join('/');
    let entry = this.#exact.get(key);
    if (entry) return entry.value;
    entry = { parts, value: make(), isFound: false };
    this.#exact.set(key, entry);
    const base = parts.at(-1) ?? '';
    collect(this.#byName, base, entry);
    collect(this.#byStem, stemOf(base), entry);
    return entry.value;
  }

  /** @throws `ERR_TRUTH_INVALID` where several fit a picture equally well, or one fits pictures of several folders */
  find(path: string): T | undefined {
    const parts = partsOf(resolve(path));
    const base = parts.at(-1) ?? '';
    const fitting = this.#byName.get(base) ?? this.#byStem.get(stemOf(base));
    if (!fitting) return undefined;
    const folders = parts.slice(0, -1);
    const agreeing = fitting.map(entry => commonEnd(entry.parts.slice(0, -1), folders));
    const most = agreeing.reduce((a, b) => Math.max(a, b), 0);
    const [best, other] = fitting.filter((_, i) => agreeing[i] === most);
    if (other)
      throw invalidTruth(
        this.#from,
        `${best!.parts.join('/')} and ${other.parts.join('/')} fit the picture ${path} equally well; name them with their folders`,
      );
    const entry = best!;
    // Masks of one folder for pictures of several: 1.png would be taken for every 1.jpg.
    if (most < entry.parts.length - 1 || most === 0) {
      const place = [...folders, stemOf(base)].join('/');
      if (entry.usedBy !== undefined && entry.usedBy !== place)
        throw invalidTruth(
          this.#from,
          `${entry.parts.join('/')} fits the pictures ${entry.usedBy} and ${place}; name it with the folder of the one that it belongs to`,
        );
      entry.usedBy = place;
    }
    entry.isFound = true;
    return entry.value;
  }

  get size(): number {
    return this.#exact.size;
  }

  unfound(): number {
    let count = 0;
    for (const { isFound } of this.#exact.values()) if (!isFound) count++;
    return count;
  }
}

function partsOf(name: string): string[] {
  return name.split(/[\\/]/).filter(part => part !== '' && part !== '.');
}

export function stemOf(name: string): string {
  const at = name.lastIndexOf('.');
  return at > 0 ? name.slice(0, at) : name;
}

function commonEnd(a: readonly string[], b: readonly string[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a[a.length - 1 - count] === b[b.length - 1 - count]) count++;
  return count;
}

function collect<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
