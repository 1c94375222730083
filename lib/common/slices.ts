import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from './errors.ts';

/** Values that are gone through between two turns of the event loop: a few milliseconds. */
export const SLICE = 2 ** 19;

/** Goes through `count` values, some at a time, with turns of the event loop in between. */
export async function inSlices(count: number, work: (begin: number, end: number) => void): Promise<void> {
  for (let begin = 0; begin < count; begin += SLICE) {
    if (begin > 0) await nextTurn();
    work(begin, Math.min(count, begin + SLICE));
  }
}

/** A turn of the event loop between two long steps, in which a signal can fire. @throws `ERR_ABORTED` */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  throwIfAborted(signal);
}

/** Milliseconds of small steps between two turns. */
const STRETCH = 4;

/** Work that may pause between its steps. */
export type Steps<T> = Generator<void, T, void>;

/** Work in steps, large and small, with turns of the event loop in between. @throws `ERR_ABORTED`, and what a step throws */
export async function inSteps<T>(steps: Iterator<void, T>, signal?: AbortSignal): Promise<T> {
  for (let began = performance.now(); ; ) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - began < STRETCH) continue;
    await breathe(signal);
    began = performance.now();
  }
}
