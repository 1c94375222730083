import { settings, type View } from './state/settings.ts';
import { shownView, shownViews } from './state/shown.ts';
import { stepPhoto } from './state/step-photo.ts';

const VIEW_KEYS: Readonly<Record<string, View>> = {
  g: 'photos',
  p: 'photo',
  c: 'compare',
  v: 'curves',
  s: 'summary',
  Escape: 'photos',
};
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1 };

/** What takes keys itself. */
const TAKES_KEYS = 'input, select, textarea, dialog, [contenteditable]';

/** Lets keys work on the page that nothing else on it has taken. @returns what ends this */
export function followKeys(help: () => void): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest(TAKES_KEYS)) return;
    // Arrows scroll a table that has the focus.
    if (STEPS[event.key] && event.target instanceof Element && event.target.matches('.scroll')) return;
    if (!act(event.key, help)) return;
    event.preventDefault();
  };
  addEventListener('keydown', pressed);
  return () => removeEventListener('keydown', pressed);
}

/** @returns whether the key means something here */
function act(key: string, help: () => void): boolean {
  const view = VIEW_KEYS[key];
  const step = STEPS[key];
  if (view) {
    if (!shownViews.value.includes(view)) return false;
    settings.view.value = view;
  } else if (step !== undefined) {
    if (shownView.value !== 'photo' && shownView.value !== 'compare') return false;
    stepPhoto(step);
  } else if (key === '?') help();
  else return false;
  return true;
}
