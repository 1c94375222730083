import { setImmediate as nextTurn } from 'node:timers/promises';

/** Values that are gone through between two turns of the event loop: a few milliseconds. */
export const SLICE = 2 ** 19;

/** Goes through `count` values, some at a time, with turns of the event loop in between. */
export async function inSlices(count: number, work: (begin: number, end: number) => void): Promise<void> {
  for (let begin = 0; begin < count; begin += SLICE) {
    if (begin > 0) await nextTurn();
    work(begin, Math.min(count, begin + SLICE));
  }
}

/** Work in steps, with turns of the event loop in between. */
export async function inSteps<T>(steps: Iterator<void, T>): Promise<T> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    await nextTurn();
  }
}
