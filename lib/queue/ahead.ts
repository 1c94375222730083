/** Most inputs that are told to be in work before they are begun: each is done alone, should the process end. */
const MOST = 16;
/** So many times as long as a write takes is what is done for each: writes are a small part of the work. */
const SHARE = 20;
/** Weight of the newest measure. */
const NEWEST = 0.2;

/** How many inputs a write tells of: one where writes are quick beside the work, more where they aren't. */
export class Ahead {
  #write = 0;
  #first: number | undefined;
  #last = 0;
  #begun = 0;

  get count(): number {
    const elapsed = this.#last - (this.#first ?? 0);
    // Too early to say.
    if (elapsed <= (SHARE / 2) * this.#write) return 1;
    const each = elapsed / this.#begun;
    return Math.max(1, Math.min(MOST, Math.ceil((SHARE * this.#write) / each)));
  }

  /** An input is begun. @param now ms */
  begun(now: number): void {
    this.#first ??= now;
    this.#last = now;
    this.#begun++;
  }

  /** A write took so many ms. */
  wrote(ms: number): void {
    this.#write = this.#write === 0 ? ms : (1 - NEWEST) * this.#write + NEWEST * ms;
  }
}
