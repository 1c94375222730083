/** A list without repetitions, which others name places of. */
export class Places<T> {
  readonly list: T[] = [];
  readonly #places = new Map<T | string, number>();

  /** @param key equal for equal values */
  placeOf(value: T, key: T | string = value): number {
    let place = this.#places.get(key);
    if (place === undefined) this.#places.set(key, (place = this.list.push(value) - 1));
    return place;
  }
}
