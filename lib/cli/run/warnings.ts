import type { Explanation } from '../../result/explanation.ts';
import type { Console } from '../tell/console.ts';

/** Warnings of results: what is wrong with a map, and what holds for many pictures once. */
export class Warnings {
  readonly #console: Console;
  readonly #told = new Set<string>();

  constructor(console: Console) {
    this.#console = console;
  }

  /** @param input as it is shown */
  tell(input: string, { method, status, reason, warnings }: Explanation): void {
    if (status !== 'ok') this.#console.warn(`${input}: ${method}: the map is ${status}: ${reason}`);
    for (const warning of warnings) this.#once(method, warning);
  }

  /** A warning about a method holds for every picture, one about the model for every method. */
  #once(method: string, warning: string): void {
    const text = /^(preprocessing|labels|there are \d+ labels)\b/.test(warning) ? warning : `${method}: ${warning}`;
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#console.warn(text);
  }
}
