import { multiplyByMap } from '../kernels/picture-values.ts';
import { orderPixels } from '../kernels/pixel-order.ts';
import type { MapStatus } from '../result/status.ts';
import type { Subject } from './subject.ts';

/** A map at the input's size, and what is made of it for several metrics. */
export class JudgedMap {
  /** [H, W]. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly status: MapStatus;
  readonly #subject: Subject;
  #order: Promise<Uint32Array> | undefined;
  #masked: Promise<Float32Array> | undefined;
  #onBlack: Promise<Float32Array> | undefined;

  /** @param data [H, W] of the subject's size */
  constructor(data: Float32Array, subject: Subject) {
    this.data = data;
    this.width = subject.shape.width;
    this.height = subject.shape.height;
    this.status = statusOf(data);
    this.#subject = subject;
  }

  /** Pixel numbers from the largest value to the smallest; equal ones in row order. */
  order(): Promise<Uint32Array> {
    this.#order ??= orderPixels(this.data);
    return this.#order;
  }

  /** x ⊙ S. */
  masked(): Promise<Float32Array> {
    const { input, shape } = this.#subject;
    this.#masked ??= multiplyByMap(input, shape, this.data);
    return this.#masked;
  }

  /** x ⊙ S + b ⊙ (1 − S) with b black: the picture times the map, before it is normalised. */
  maskedOnBlack(): Promise<Float32Array> {
    this.#onBlack ??= this.#blend();
    return this.#onBlack;
  }

  async #blend(): Promise<Float32Array> {
    const { shape } = this.#subject;
    const [masked, black] = await Promise.all([this.masked(), this.#subject.baseline('black')]);
    // A tensor's own zero is black already.
    if (black.every(value => value === 0)) return masked;
    const hidden = await multiplyByMap(black, shape, this.data);
    return masked.map((value, i) => value + (black[i]! - hidden[i]!));
  }
}

/** Of values as they are: a map that is equal everywhere orders nothing. */
function statusOf(data: Float32Array): MapStatus {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of data) {
    if (!Number.isFinite(value)) return 'not-finite';
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (min === 0 && max === 0) return 'zero';
  return min === max ? 'constant' : 'ok';
}
