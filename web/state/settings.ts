import { signal } from '@preact/signals';
import type { ColormapName } from '../../lib/image/colormap.ts';

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
  photo: setting<number>(0, { isStep: true }),
  /** Of two runs, the one that single views show. */
  run: setting<number>(0),
  /** Place of the maker in that run, and the class' index; -1: the first there is. */
  maker: setting<number>(-1),
  target: setting<number>(-1),
  /** What is asked of that class, where a run asks several things: '' the first. */
  kind: setting<string>(''),
  /** The other side of a comparison. */
  otherRun: setting<number>(1),
  otherMaker: setting<number>(-1),
  otherTarget: setting<number>(-1),
  otherKind: setting<string>(''),
  /** '*' shows all; of techniques '' is none. */
  layer: setting<string>('*'),
  technique: setting<string>('*'),
  alpha: setting<number>(0.5),
  colormap: setting<ColormapName>('jet'),
  threshold: setting<ThresholdForm>('max'),
  level: setting<number>(0.15),
  heat: setting<boolean>(true),
  box: setting<boolean>(false),
  mask: setting<boolean>(false),
  contour: setting<boolean>(false),
  /** What the grid is sorted by: one of SORTS (grid.ts) or a metric. */
  sort: setting<string>('given'),
  descending: setting<boolean>(false),
  /** Filters of the grid: a text in the name, the first class' index, what is wrong. */
  find: setting<string>(''),
  class: setting<number>(-1),
  only: setting<string>(''),
  /** Of curves. */
  metric: setting<string>(''),
  /** What the page of `onnx-cam serve` asks for, of the model `run` and the picture `photo`; '' is the automatic choice. */
  askMethod: setting<string>(''),
  askLayer: setting<string>(''),
  /** As `--target` takes it. */
  askTarget: setting<string>('top1'),
  askTechnique: setting<string>(''),
  theme: setting<'auto' | 'light' | 'dark'>('auto'),
};
