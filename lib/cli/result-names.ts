import type { NamedExplanation } from './explain-input.ts';
import type { CommandInput } from './inputs.ts';
import { NameSet, numbered } from './name-set.ts';
import { commonName } from './output-files.ts';

/**
 * Keeps the files of a run's inputs apart. That their stems differ is not enough: `two.0` is the first image of two.npy
 * and all of two.0.png.
 */
export class ResultNames {
  readonly #stems = new NameSet();
  readonly #taken = new NameSet();

  constructor(inputs: readonly CommandInput[]) {
    for (const input of inputs) if ('stem' in input) this.#stems.add(input.stem);
  }

  /** The results of one input, under a stem with a number if an input before it has one of their names. */
  keepApart(results: readonly NamedExplanation[]): NamedExplanation[] {
    const own = results[0]?.name.stem ?? '';
    const isFree = (stem: string) =>
      (stem === own || !this.#stems.has(stem)) &&
      results.every(({ name }) => !this.#taken.has(commonName({ ...name, stem })));
    const stem = numbered(own, isFree);
    this.#stems.add(stem);
    return results.map(({ name, explanation }) => {
      const apart = { ...name, stem };
      this.#taken.add(commonName(apart));
      return { name: apart, explanation };
    });
  }
}
