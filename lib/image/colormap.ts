import createColormap from 'colormap';
import { OnnxCamError } from '../common/errors.ts';
import { didYouMean } from '../common/suggest.ts';

const STEPS = 256;

/** Colours of t in [0, 1]: red, green, blue in [0, 1] (clamped by the caller). */
type ColorFunction = (t: number) => readonly [red: number, green: number, blue: number];

/**
 * Jet as MATLAB and OpenCV draw it (`COLORMAP_JET`, within one step of 255): dark blue, blue, cyan, yellow, red, dark red.
 * By its formula, because the jet of the `colormap` package is another one (blue is 170 where it should be 255 at ⅛).
 */
const jet: ColorFunction = t => [1.5 - Math.abs(4 * t - 3), 1.5 - Math.abs(4 * t - 2), 1.5 - Math.abs(4 * t - 1)];

/**
 * Turbo by the polynomial approximation of its author (Anton Mikhailov, Google, Apache-2.0:
 * https://gist.github.com/mikhailov-work/0d177465a8151eb6ede1768d51d476c7); the `colormap` package does not have it.
 * Within 32 of 255 of his table, at the ends.
 */
const turbo: ColorFunction = t => {
  const at = (c: readonly number[]) => c.reduceRight((sum, factor) => sum * t + factor, 0);
  return [
    at([0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943]),
    at([0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604]),
    at([0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973]),
  ];
};

/** Drawn from the control points of the `colormap` package. */
const FROM_PACKAGE = ['viridis', 'inferno', 'magma', 'plasma', 'greys'] as const;
const FORMULAS = { jet, turbo };

/**
 * Colours of a heat map.
 * @useDeclaredType
 */
export type ColormapName = keyof typeof FORMULAS | (typeof FROM_PACKAGE)[number];

export const COLORMAPS: readonly ColormapName[] = ['jet', 'turbo', ...FROM_PACKAGE];

const tables = new Map<string, Uint8Array>();

/**
 * A colour map as a table of 256 colours, [256, 3] bytes RGB; 0 is unimportant, 255 most important. Shared: don't write.
 * @throws `ERR_OPTION_INVALID` with the known names.
 */
export function colormapTable(name: string): Uint8Array {
  const key = String(name).toLowerCase();
  let table = tables.get(key);
  if (table === undefined) tables.set(key, (table = makeTable(key)));
  return table;
}

function makeTable(name: string): Uint8Array {
  const table = new Uint8ClampedArray(3 * STEPS);
  if (Object.hasOwn(FORMULAS, name)) {
    const color = FORMULAS[name as keyof typeof FORMULAS];
    for (let i = 0; i < STEPS; i++)
      table.set(
        color(i / (STEPS - 1)).map(value => 255 * value),
        3 * i,
      );
  } else if (FROM_PACKAGE.some(known => known === name)) {
    const colors = createColormap({ colormap: name, nshades: STEPS, format: 'rgba' });
    colors.forEach(([red, green, blue], i) => {
      table.set([red, green, blue], 3 * i);
    });
  } else {
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `there is no colour map '${name}'${didYouMean(name, COLORMAPS)}; known: ${COLORMAPS.join(', ')}`,
    );
  }
  return new Uint8Array(table.buffer);
}
