import { batch, effect } from '@preact/signals';
import { type Setting, settings } from './settings.ts';

const all = Object.entries(settings) as unknown as [name: string, setting: Setting][];

/** Browsers refuse many changes of the address in a row, as a slider makes them. Milliseconds. */
const REST = 200;

/** What differs from the defaults, such as `#view=photo&photo=3`. */
function written(): string {
  const parts = new URLSearchParams();
  for (const [name, setting] of all) if (setting.value !== setting.initial) parts.set(name, String(setting.value));
  return `#${parts}`;
}

/** A value of the default's type; the default for anything else, since an address can say everything. */
function read(text: string | null, { initial }: Setting): Setting['value'] {
  if (text === null) return initial;
  if (typeof initial === 'boolean') return text === 'true';
  if (typeof initial === 'string') return text;
  const number = Number(text);
  return text.trim() !== '' && Number.isFinite(number) ? number : initial;
}

/** Keeps the settings and the address' hash equal. Steps are entries of the browser's history, all else changes the last one. */
export function followHash(): void {
  let rest: ReturnType<typeof setTimeout> | undefined;
  /** What the last entry of the history should say, and the step that it is of. */
  let last = '';
  let step = '';
  /** The address that the settings were read from, or written to. */
  let known = '';
  const address = () => location.hash || '#';
  const replace = () => {
    clearTimeout(rest);
    rest = undefined;
    // Another one has come, and the event that says so is on its way.
    if (address() !== known) return;
    if (last !== known) history.replaceState(null, '', last);
    known = address();
  };
  const apply = () => {
    clearTimeout(rest);
    rest = undefined;
    known = address();
    const parts = new URLSearchParams(location.hash.slice(1));
    batch(() => {
      for (const [name, setting] of all) setting.value = read(parts.get(name), setting);
      step = steps();
    });
  };
  apply();
  addEventListener('hashchange', apply);
  addEventListener('pagehide', replace);
  effect(() => {
    const hash = written();
    const now = steps();
    if (now === step) {
      last = hash;
      clearTimeout(rest);
      rest = setTimeout(replace, REST);
    } else {
      if (rest !== undefined) replace();
      step = now;
      last = hash;
      history.pushState(null, '', hash);
      known = address();
    }
  });
}

const steps = (): string =>
  all
    .filter(([, { isStep }]) => isStep)
    .map(([, { value }]) => String(value))
    .join();
