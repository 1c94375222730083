import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import { blurPicture, type PictureShape } from '../kernels/picture-values.ts';
import { type Baseline, constantOf, isConstant, REFLECTED_KERNEL, RISE_KERNEL } from './baseline.ts';
import type { ScoreKind } from './score-kind.ts';

/** What a classifier says of the image. */
export interface Classes {
  /** The class that is explained. */
  readonly target: number;
  /** One for each class. */
  readonly logits: ArrayLike<number>;
}

/** What a subject is made of. */
export interface SubjectParts {
  /** One input as the network gets it. */
  readonly input: Float32Array;
  readonly shape: PictureShape;
  /** How pictures become inputs; null for tensors. */
  readonly preprocess: Pick<ResolvedPreprocess, 'mean' | 'std'> | null;
  /** f(x). */
  readonly scores: Readonly<Record<ScoreKind, number>>;
  /** Where the target is a class among several. */
  readonly classes?: Classes;
  /** Whether the target has a probability; of others both scores are their own. */
  readonly probable: boolean;
  readonly seed: number;
  /** Place of the image in its call. */
  readonly index: number;
  readonly signal?: AbortSignal;
}

/** An image and what the network says of it: what all maps and metrics of it share. */
export class Subject {
  readonly input: Float32Array;
  readonly shape: PictureShape;
  /** H · W. */
  readonly pixels: number;
  readonly probable: boolean;
  readonly seed: number;
  readonly index: number;
  readonly classes: Classes | undefined;
  readonly #parts: SubjectParts;
  readonly #baselines = new Map<Baseline, Promise<Float32Array>>();

  constructor(parts: SubjectParts) {
    const { input, shape, probable, seed, index, classes } = parts;
    this.input = input;
    this.shape = shape;
    this.pixels = shape.height * shape.width;
    this.probable = probable;
    this.seed = seed;
    this.index = index;
    this.classes = classes;
    this.#parts = parts;
  }

  /** f(x). */
  score(kind: ScoreKind): number {
    return this.#parts.scores[kind];
  }

  /** The input with every pixel removed; the same object whenever it is asked for. */
  baseline(name: Baseline): Promise<Float32Array> {
    let made = this.#baselines.get(name);
    if (!made) this.#baselines.set(name, (made = this.#make(name)));
    return made;
  }

  /** Those asked for so far whose score belongs to the network, not to the picture; by name. */
  async constants(): Promise<[string, Float32Array][]> {
    const names = [...this.#baselines].filter(([name]) => isConstant(name));
    return Promise.all(names.map(async ([name, made]): Promise<[string, Float32Array]> => [String(name), await made]));
  }

  async #make(name: Baseline): Promise<Float32Array> {
    const { input, shape, preprocess, signal } = this.#parts;
    if (name === 'blur') return blurPicture(input, shape, RISE_KERNEL, 'zero', signal);
    if (name === 'blur-reflect') return blurPicture(input, shape, REFLECTED_KERNEL, 'reflect', signal);
    return constantOf(name, input, shape, preprocess);
  }
}
