/** What is looked up by a name of its own or one of its further spellings. */
interface Named {
  readonly name: string;
  readonly title: string;
  readonly aliases?: readonly string[];
}

/** A canonical name, further ones and the title, all of them with and without hyphens. */
export function spellingsOf({ name, title, aliases = [] }: Named): string[] {
  return [name, ...aliases, title.toLowerCase()].flatMap(one => [one, withoutHyphens(one)]);
}

/** Finds by name without regard to case, underscores, hyphens or spaces. */
export class NameTable<T> {
  readonly #byName: ReadonlyMap<string, T>;

  constructor(entries: Iterable<readonly [name: string, T]>) {
    this.#byName = new Map(entries);
  }

  find(name: unknown): T | undefined {
    const key = String(name).trim().toLowerCase().replaceAll('_', '-');
    return this.#byName.get(key) ?? this.#byName.get(withoutHyphens(key));
  }
}

const withoutHyphens = (name: string): string => name.replaceAll(/[-\s]/g, '');
