/** Names of files that are taken. File systems of Windows and macOS hold `Cat.png` and `cat.png` for the same file. */
export class NameSet {
  readonly #keys = new Set<string>();

  has(name: string): boolean {
    return this.#keys.has(nameKey(name));
  }

  add(name: string): void {
    this.#keys.add(nameKey(name));
  }
}

/** The first of NAME, NAME-2, NAME-3, … that is free. */
export function numbered(name: string, isFree: (candidate: string) => boolean): string {
  let candidate = name;
  for (let count = 2; !isFree(candidate); count++) candidate = `${name}-${count}`;
  return candidate;
}

/** Equal for names of one file. */
export function nameKey(name: string): string {
  return process.platform === 'win32' || process.platform === 'darwin' ? name.toLowerCase() : name;
}
