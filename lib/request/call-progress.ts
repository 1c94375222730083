import type { Progress, StepsDone } from '../common/progress.ts';

type Whose = Pick<Progress, 'method' | 'technique'>;

/** A stretch of an image's work, as shares of it. */
export type Stretch = readonly [from: number, to: number];

/**
 * What one `explain` call reports. The first step that is told decides what is counted, so that the total never grows: images, or the
 * steps of an image (passes of score methods, a technique's inputs) for each image alike. An image of other steps takes as many.
 */
export class CallProgress {
  readonly #report: (progress: Progress) => void;
  readonly #inputs: readonly unknown[];
  /** Steps of each image. */
  #each: number | undefined;
  #done = 0;
  #reported = -1;
  /** By image, those that are under way. */
  readonly #steps = new Map<number, number>();

  /** @param inputs as they were given, one for each image */
  constructor(report: (progress: Progress) => void, inputs: readonly unknown[]) {
    this.#report = report;
    this.#inputs = inputs;
  }

  /** @param parts so many scorers of the image will tell of their passes */
  image(index: number, parts: number): ImageProgress {
    return new ImageProgress(parts, (share, steps, whose) => {
      this.#each ??= Math.max(1, Math.round(steps));
      this.#advance(index, share, whose);
    });
  }

  /** Images that were run together are done. */
  finished(indices: readonly number[]): void {
    this.#each ??= 1;
    const last = indices.at(-1)!;
    for (const index of indices.slice(0, -1)) this.#add(index, 1);
    this.#advance(last, 1, {});
    for (const index of indices) this.#steps.delete(index);
  }

  #add(index: number, share: number): void {
    const known = this.#steps.get(index) ?? 0;
    const steps = Math.max(known, Math.floor(share * this.#each! + 1e-6));
    this.#steps.set(index, steps);
    this.#done += steps - known;
  }

  #advance(index: number, share: number, whose: Whose): void {
    this.#add(index, share);
    if (this.#done === this.#reported) return;
    this.#reported = this.#done;
    const total = this.#each! * this.#inputs.length;
    this.#report({ done: this.#done, total, index, input: this.#inputs[index], ...whose });
  }
}

/** What is told of one image. */
export class ImageProgress {
  readonly #tell: (share: number, steps: number, whose: Whose) => void;
  readonly #parts: number;
  readonly #shares: number[] = [];

  constructor(parts: number, tell: (share: number, steps: number, whose: Whose) => void) {
    this.#parts = parts;
    this.#tell = tell;
  }

  /** A listener for the passes of one scorer. */
  part(method: string): (steps: StepsDone) => void {
    const place = this.#shares.push(0) - 1;
    return ({ done, total }) => {
      this.#shares[place] = done / total;
      const sum = this.#shares.reduce((all, share) => all + share, 0);
      this.#tell(Math.min(1, sum / this.#parts), total * this.#parts, { method });
    };
  }

  /** A listener for the inputs of a technique. */
  stretch([from, to]: Stretch, whose: Whose): (steps: StepsDone) => void {
    return ({ done, total }) => {
      if (to > from) this.#tell(from + ((to - from) * done) / total, total / (to - from), whose);
    };
  }
}
