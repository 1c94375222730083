import { signal } from '@preact/signals';

// Everything that the person at the page has chosen. The address' hash holds it (hash.ts), so that a link shows the same.

export const VIEWS = ['photos', 'photo', 'compare', 'curves', 'summary'] as const;
export type View = (typeof VIEWS)[number];

export const THRESHOLD_FORMS = ['max', 'value', 'q', 'sd', 'otsu'] as const;
export type ThresholdForm = (typeof THRESHOLD_FORMS)[number];

/** A setting with its default, and whether a change of it is a step that the browser's back button undoes. */
function setting<T extends string | number | boolean>(initial: T, options: { readonly isStep?: boolean } = {}) {
  const value = signal<T>(initial);
  return Object.assign(value, { initial, isStep: options.isStep === true });
}
export type Setting = ReturnType<typeof setting<string | number | boolean>>;

/** By the name that the hash has for them. */
export const settings = {
  view: setting<View>('photos', { isStep: true }),
  /** Place of the photograph that is looked at. */
  photo: setting(0, { isStep: true }),
  /** Of two runs, the one that single views show. */
  run: setting(0),
  /** Place of the maker in that run, and the class' index; -1: the first there is. */
  maker: setting(-1),
  target: setting(-1),
  /** The other side of a comparison. */
  otherRun: setting(1),
  otherMaker: setting(-1),
  otherTarget: setting(-1),
  /** '' shows all. */
  layer: setting(''),
  technique: setting(''),
  alpha: setting(0.5),
  colormap: setting('jet'),
  threshold: setting<ThresholdForm>('max'),
  level: setting(0.15),
  heat: setting(true),
  box: setting(false),
  mask: setting(false),
  contour: setting(false),
  sort: setting('given'),
  descending: setting(false),
  /** Filters of the grid: a text in the name, a class' index, what is wrong. */
  find: setting(''),
  class: setting(-1),
  only: setting(''),
  /** Of curves and of sorting. */
  metric: setting(''),
  theme: setting<'auto' | 'light' | 'dark'>('auto'),
};
