import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { settings } from './settings.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;

/** Whether a media query holds. */
function media(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener('change', () => {
    matches.value = list.matches;
  });
  return matches;
}

const systemIsDark = media('(prefers-color-scheme: dark)');
const isPrinting = media('print');

/** Whether the page is dark: for what is drawn and not styled. Paper is light. */
export const isDark = computed(() => {
  const theme = settings.theme.value;
  return !isPrinting.value && (theme === 'dark' || (theme !== 'light' && systemIsDark.value));
});

/** Tells the style which theme is chosen. */
export function followTheme(): void {
  effect(() => {
    const theme = settings.theme.value;
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  });
}
