/** More than this many are let go, the oldest first. */
const KEPT = 8;

/**
 * Arrays that nobody reads any more, to be written again. A fresh array of half a megabyte for every picture makes the
 * garbage collector stop the event loop for milliseconds, many times a second.
 */
export class SpareArrays<T extends Float32Array | Uint8Array> {
  #spare: T[] = [];

  /** An array of this length with anything in it; undefined where none is spare. */
  take(length: number): T | undefined {
    const index = this.#spare.findIndex(array => array.length === length);
    return index < 0 ? undefined : this.#spare.splice(index, 1)[0];
  }

  give(array: T): void {
    // Twice the same would have two writers.
    if (this.#spare.includes(array)) return;
    this.#spare.push(array);
    if (this.#spare.length > KEPT) this.#spare.shift();
  }
}
