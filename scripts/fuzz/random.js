/** Reproducible choices: the same seed and number give the same mutant on every machine. */
export class Random {
  #state;

  /** @param {...number} seeds whole numbers */
  constructor(...seeds) {
    this.#state = 0x9e3779b9;
    for (const seed of seeds) {
      this.#state = Math.imul(this.#state ^ seed, 0x85ebca6b) | 0;
      this.unit();
    }
  }

  /** Uniform in [0, 1): mulberry32. */
  unit() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, end). */
  below(end) {
    return Math.floor(this.unit() * end);
  }

  chance(probability) {
    return this.unit() < probability;
  }

  /** One of a list; undefined for an empty one. */
  pick(list) {
    return list[this.below(list.length)];
  }

  /** One of a list of [weight, value]. */
  weighted(list) {
    let left = this.unit() * list.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of list) {
      left -= weight;
      if (left < 0) return value;
    }
    return list.at(-1)[1];
  }
}
