import { computed, effect, signal } from '@preact/signals';
import { settings } from './settings.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;

const system = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);
system.addEventListener('change', () => {
  systemIsDark.value = system.matches;
});

/** Whether the page is dark: for what is drawn and not styled. */
export const isDark = computed(() => {
  const theme = settings.theme.value;
  return theme === 'dark' || (theme !== 'light' && systemIsDark.value);
});

/** Tells the style which theme is chosen. */
export function followTheme(): void {
  effect(() => {
    const theme = settings.theme.value;
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  });
}
