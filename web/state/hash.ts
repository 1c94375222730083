import { effect } from '@preact/signals';
import { type Setting, settings } from './settings.ts';

const all = Object.entries(settings) as unknown as [name: string, setting: Setting][];

/** What differs from the defaults, such as `#view=photo&photo=3`. */
function written(): string {
  const parts = new URLSearchParams();
  for (const [name, setting] of all) if (setting.value !== setting.initial) parts.set(name, String(setting.value));
  return parts.toString();
}

/** A value of the default's type; the default for anything else, since an address can say everything. */
function read(text: string | null, { initial }: Setting): Setting['value'] {
  if (text === null) return initial;
  if (typeof initial === 'boolean') return text === 'true';
  if (typeof initial === 'string') return text;
  const number = Number(text);
  return Number.isFinite(number) ? number : initial;
}

function apply(): void {
  const parts = new URLSearchParams(location.hash.slice(1));
  for (const [name, setting] of all) setting.value = read(parts.get(name), setting);
}

/** Keeps the settings and the address' hash equal. Steps are entries of the browser's history, all else changes the last one. */
export function followHash(): void {
  apply();
  addEventListener('hashchange', apply);
  let step = steps();
  effect(() => {
    const hash = `#${written()}`;
    const now = steps();
    if (hash === location.hash || (hash === '#' && location.hash === '')) return;
    if (now === step) history.replaceState(null, '', hash);
    else history.pushState(null, '', hash);
    step = now;
  });
}

const steps = (): string =>
  all
    .filter(([, { isStep }]) => isStep)
    .map(([, { value }]) => String(value))
    .join();
