import { numberOf, textOf } from '../common/of-type.ts';
import type { ResultLine } from '../manifest/read-manifests.ts';

/** A photograph, and where its results stand in which manifest. */
export interface FoundPhoto {
  readonly input: string;
  /** Place in a tensor of several images; null of others. */
  readonly image: number | null;
  readonly lines: Pick<ResultLine, 'file' | 'start' | 'length'>[];
}

/** Which photograph a line is of. */
export function photoOf(line: ResultLine['value']): Pick<FoundPhoto, 'input' | 'image'> {
  return { input: textOf(line.input) ?? '', image: numberOf(line.image) };
}

/**
 * The first photographs of a run, in the order of its list: that of the lines of one manifest; where there are parts, that of the
 * paths, by which the list was sorted before it was cut. The others are counted, so that a million results take no room.
 */
export class FirstPhotos {
  readonly #most: number;
  readonly #hasParts: boolean;
  readonly #kept = new Map<string, FoundPhoto>();
  /** With parts: no photograph behind it is among the first. */
  #bound: FoundPhoto | undefined;
  #count = 0;
  /** Keys of photographs that are not kept, of the input whose lines are read: they stand together. */
  readonly #passing = new Set<string>();
  #input = '';

  constructor(most: number, { hasParts }: { readonly hasParts: boolean }) {
    this.#most = most;
    this.#hasParts = hasParts;
  }

  add({ file, start, length, value }: ResultLine): void {
    const { input, image } = photoOf(value);
    const key = JSON.stringify([input, image]);
    const line = { file, start, length };
    const known = this.#kept.get(key);
    if (known) {
      known.lines.push(line);
      return;
    }
    if (this.#input !== input) this.#passing.clear();
    this.#input = input;
    if (this.#passing.has(key)) return;
    this.#count++;
    const photo = { input, image, lines: [line] };
    if (this.#isAmongFirst(photo)) this.#keep(key, photo);
    else this.#passing.add(key);
  }

  #isAmongFirst(photo: FoundPhoto): boolean {
    if (!this.#hasParts) return this.#kept.size < this.#most;
    return this.#most > 0 && (!this.#bound || byPlace(photo, this.#bound) < 0);
  }

  #keep(key: string, photo: FoundPhoto): void {
    this.#kept.set(key, photo);
    // Sorted now and then: many a photograph comes before the bound.
    if (this.#kept.size >= 2 * this.#most) this.#cut();
  }

  #cut(): void {
    const sorted = [...this.#kept].sort(([, a], [, b]) => byPlace(a, b));
    this.#kept.clear();
    for (const [key, photo] of sorted.slice(0, this.#most)) this.#kept.set(key, photo);
    this.#bound = sorted[this.#most - 1]?.[1];
  }

  /** Of all that were added. */
  settle(): { readonly photos: readonly FoundPhoto[]; readonly leftOut: number } {
    if (this.#hasParts) this.#cut();
    const photos = [...this.#kept.values()];
    return { photos, leftOut: this.#count - photos.length };
  }
}

function byPlace(a: FoundPhoto, b: FoundPhoto): number {
  if (a.input !== b.input) return a.input < b.input ? -1 : 1;
  return (a.image ?? 0) - (b.image ?? 0);
}
