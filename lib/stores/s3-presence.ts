import type { Presence } from './output-store.ts';

/** Names in the order of their UTF-8 bytes. */
export interface ListedNames {
  readonly names: readonly string[];
  /** There are none behind these. */
  readonly isEnd: boolean;
}

/** Names above `after`, up to and with `last` (null: to the end). */
interface Page {
  readonly after: Buffer;
  readonly last: Buffer | null;
  readonly names: ReadonlySet<string>;
}

/** Pages of a thousand names that are held. */
const MOST_PAGES = 32;

/**
 * What is there, by listing from the name that is asked for: names that are asked for in about the order of the alphabet need a request
 * for a thousand, and memory stays flat however many there are.
 */
export class ListedPresence implements Presence {
  readonly #list: (after: string) => Promise<ListedNames>;
  /** Used last at the end. */
  readonly #pages: Page[] = [];
  #reading: Promise<unknown> = Promise.resolve();

  /** @param list the names above one that need not be there */
  constructor(list: (after: string) => Promise<ListedNames>) {
    this.#list = list;
  }

  async has(name: string): Promise<boolean> {
    const known = this.#known(name);
    if (known !== undefined) return known;
    // One after another: whoever waited finds its page.
    const reading = this.#reading.then(async () => this.#known(name) ?? this.#read(name));
    this.#reading = reading.catch(() => {});
    return reading;
  }

  #known(name: string): boolean | undefined {
    const bytes = Buffer.from(name);
    const at = this.#pages.findLastIndex(
      ({ after, last }) => bytes.compare(after) > 0 && (last === null || bytes.compare(last) <= 0),
    );
    if (at < 0) return undefined;
    const [page] = this.#pages.splice(at, 1);
    this.#pages.push(page!);
    return page!.names.has(name);
  }

  async #read(name: string): Promise<boolean> {
    // What is less by its last letter comes before it, and hardly any name is in between.
    const after = [...name].slice(0, -1).join('');
    const { names, isEnd } = await this.#list(after);
    const last = names.at(-1);
    const end = isEnd || last === undefined ? null : Buffer.from(last);
    this.#pages.push({ after: Buffer.from(after), last: end, names: new Set(names) });
    if (this.#pages.length > MOST_PAGES) this.#pages.shift();
    return this.#known(name) ?? false;
  }
}
