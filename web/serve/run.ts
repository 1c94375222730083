import { batch, computed, effect, signal, untracked } from '@preact/signals';
import type { ExplanationRequest } from '../../lib/serve/api.ts';
import { FIRST, select, selected } from '../state/selected.ts';
import { settings } from '../state/settings.ts';
import { shownPhoto, shownRun } from '../state/shown.ts';
import { className } from '../state/words.ts';
import { announce } from './announce.ts';
import { choice, choose } from './choice.ts';
import { explain } from './explanations.ts';
import { ServeFault } from './server.ts';
import { type Answer, addAnswer, answerTo, answerWith, refresh } from './stock.ts';

/** How far the explanation of the present choice is. */
export type Run =
  | { readonly state: 'idle' | 'done' | 'stopped' }
  | { readonly state: 'waiting'; readonly before: number }
  /** `total` is 0 until the server says it. */
  | { readonly state: 'running'; readonly done: number; readonly total: number }
  | { readonly state: 'failed'; readonly fault: ServeFault };

export const run = signal<Run>({ state: 'idle' });

/** Keys that are held down pass by choices that nobody waits for. Milliseconds. */
const REST = 150;

let work: AbortController | undefined;

/** Explains the choice again after it was stopped or failed. */
export function start(): void {
  const asked = choice.peek();
  if (asked) void explainNow(asked, 0);
}

/** Ends the work, or puts by that it failed. */
export function stop(): void {
  work?.abort();
  work = undefined;
  run.value = { state: 'stopped' };
}

/** Explains what is chosen, from now on. @returns what ends this */
export function followChoice(): () => void {
  const ends = [
    effect(() => {
      const asked = choice.value;
      untracked(() => {
        work?.abort();
        work = undefined;
        if (!asked) {
          run.value = { state: 'idle' };
          return;
        }
        const former = answerTo(asked);
        if (former) show(former);
        else void explainNow(asked, REST);
      });
    }),
    followView(),
  ];
  return () => {
    for (const end of ends) end();
    work?.abort();
    work = undefined;
  };
}

async function explainNow(asked: ExplanationRequest, rest: number): Promise<void> {
  work?.abort();
  const own = (work = new AbortController());
  const { signal } = own;
  run.value = { state: 'running', done: 0, total: 0 };
  try {
    await new Promise(resolve => setTimeout(resolve, rest));
    signal.throwIfAborted();
    const answer = await explain(asked, {
      signal,
      heard: event => {
        if (event.type === 'waiting' && run.peek().state !== 'waiting') announce(`${asked.method} waits for its turn`);
        run.value =
          event.type === 'waiting'
            ? { state: 'waiting', before: event.before }
            : { state: 'running', done: event.done, total: event.total };
      },
    });
    const added = addAnswer(asked, answer);
    if (!added) return;
    show(added);
    announce(`${asked.method} for ${added.results.map(({ target }) => className(target)).join(', ')} is there`);
  } catch (fault) {
    // Whoever aborted it says what is now.
    if (signal.aborted) return;
    if (!(fault instanceof ServeFault)) throw fault;
    run.value = { state: 'failed', fault };
    // The model or the picture may be gone.
    if (fault.code !== null) await refresh().catch(() => {});
  } finally {
    if (work === own) work = undefined;
  }
}

/** Lets the views show it; of several classes the one that they show already. */
function show({ results }: Answer): void {
  batch(() => {
    run.value = { state: 'done' };
    const shown = selected.value.result;
    const result = shown && results.includes(shown) ? shown : results[0];
    if (result) select(FIRST, result);
  });
}

/** Whether what the views show was made for the present choice. */
export const isShown = computed<boolean>(() => {
  const [asked, shown] = [choice.value, selected.value.result];
  return asked !== null && shown !== null && answerTo(asked)?.results.includes(shown) === true;
});

/** Chooses again what a result was made by that a person picks out in a view; while something runs it is only looked at. */
function followView(): () => void {
  let before = { of: '', picked: '' };
  return effect(() => {
    const of = [shownPhoto.value, shownRun.value].join();
    const picked = [settings.maker.value, settings.target.value, settings.kind.value].join();
    const isPicked = before.of === of && before.picked !== picked;
    before = { of, picked };
    if (!isPicked) return;
    untracked(() => {
      if (work || isShown.value) return;
      const answer = selected.value.result && answerWith(selected.value.result);
      if (answer) choose(answer.request);
    });
  });
}
