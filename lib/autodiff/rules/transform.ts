import { scale } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import { padAxis, sliceAxis } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range, type Value } from '../value.ts';
import { decomposed } from './decomposed.ts';

/**
 * DFT is linear: its transpose is the DFT of the other direction, without the other's 1/n. What onesided left out is zero in the gradient.
 */
export const dft: Rule = {
  inputs: [0],
  backward: context => {
    const { emit: e, node } = context;
    const { attributes } = node;
    const x = context.input();
    const rank = x.dims.length;
    const varying = (what: string) => context.fail(`its ${what} varies at run time`);
    const given = context.has(2) ? (context.constantNumber(2) ?? varying('axis')) : -2;
    const axis = positiveAxis(e.opset < 20 ? attributes.int('axis', 1) : given, rank);
    const [inverse, onesided] = [attributes.int('inverse', 0) === 1, attributes.int('onesided', 0) === 1];
    const size = x.dims[axis]!;
    if (size === -1) varying('length');
    const usual = inverse && onesided ? 2 * (size - 1) : size;
    const length = context.has(1) ? (context.constantNumber(1) ?? varying('length')) : usual;
    const g = context.fullGradient;
    if (inverse && onesided) {
      if (length !== usual || length < 2)
        context.fail('only a length of 2·(n − 1) is supported for inverse and onesided');
      return context.add(0, ofRealSignal(e, g, axis, length));
    }
    const whole = padAxis(e, g, axis, 0, length - g.dims[axis]!);
    const back = scale(e, transformed(e, whole, axis, { inverse: !inverse }), inverse ? 1 / length : length);
    const parts = sliceAxis(e, back, rank - 1, 0, x.dims[rank - 1]!);
    const used = sliceAxis(e, parts, axis, 0, Math.min(length, size));
    context.add(0, padAxis(e, used, axis, 0, size - used.dims[axis]!));
  },
};

/** A real signal of n values out of the half of its spectrum: the places between the first and the last count twice. */
function ofRealSignal(e: Emitter, g: Value, axis: number, length: number): Value {
  const spectrum = transformed(e, g, axis, { onesided: true });
  const places = spectrum.dims[axis]!;
  const counts = range(places).map(place => (place === 0 || place === places - 1 ? 1 : 2) / length);
  const shape = g.dims.map((_, index) => (index === axis ? places : 1));
  return e.mul(spectrum, e.constant(counts, g.type, shape));
}

function transformed(
  e: Emitter,
  x: Value,
  axis: number,
  { inverse = false, onesided = false }: { readonly inverse?: boolean; readonly onesided?: boolean },
): Value {
  const places = onesided ? Math.floor(x.dims[axis]! / 2) + 1 : x.dims[axis]!;
  const output = { type: x.type, dims: x.dims.with(axis, places).with(-1, 2) };
  const attributes = { inverse: Number(inverse), onesided: Number(onesided) };
  if (e.opset < 20) return e.node('DFT', [x], output, { ...attributes, axis });
  return e.node('DFT', [x, undefined, e.constant(axis, 'int64')], output, attributes);
}

/** Longer frames would need a matrix of millions of constants. */
const LONGEST = 2048;

/**
 * STFT(signal [N, length, 1], step, window): a convolution whose kernels are the window times cosines and sines. Frames lie within the
 * signal.
 */
export const stft = decomposed(
  context => {
    const { emit: e, node } = context;
    const [x, y] = [context.input(), context.output()];
    if (x.dims.length === 3 && x.dims[2] !== 1) context.fail('its signal is complex');
    const length = frameLength(context);
    const step = context.constantNumber(1) ?? context.fail('its step varies at run time');
    if (length > LONGEST) context.fail(`only frames of up to ${LONGEST} have a rule`);
    const places = y.dims[2]!;
    const onesided = node.attributes.int('onesided', 1) === 1;
    if (places !== (onesided ? Math.floor(length / 2) + 1 : length))
      context.fail('its frames have another length than said');
    let kernels = e.constant(waves(length, places), x.type, [2 * places, 1, length]);
    if (context.has(2)) kernels = e.mul(kernels, e.reshape(context.input(2), [1, 1, length]));
    const signal = e.reshape(x, [x.dims[0]!, 1, x.dims[1]!]);
    const dims = [x.dims[0]!, 2 * places, y.dims[1]!];
    const maps = e.node('Conv', [signal, kernels], { type: x.type, dims }, { strides: [step], kernel_shape: [length] });
    return e.transpose(e.reshape(maps, [x.dims[0]!, places, 2, y.dims[1]!]), [0, 3, 1, 2]);
  },
  [0],
);

function frameLength(context: NodeContext): number {
  const length = context.has(3) ? context.constantNumber(3) : context.input(2).dims[0];
  return length !== undefined && length > 0 ? length : context.fail('the length of its frames varies at run time');
}

/** Rows: place and part of the spectrum; columns: place in the frame. */
function waves(length: number, places: number): number[] {
  return range(places).flatMap(place => {
    const angles = range(length).map(n => (-2 * Math.PI * ((n * place) % length)) / length);
    return [...angles.map(Math.cos), ...angles.map(Math.sin)];
  });
}

/** More than a few rows and columns take thousands of products. */
const MOST_ROWS = 6;

/** Det by expansion along rows, each minor once: right also where the matrix has no inverse. */
export const det = decomposed(context => {
  const { emit: e } = context;
  const x = context.input();
  const rank = x.dims.length;
  const size = x.dims.at(-1)!;
  if (size === -1 || size > MOST_ROWS) context.fail(`only matrices of up to ${MOST_ROWS} rows have a rule`);
  const cell = (row: number, column: number) => sliceAxis(e, sliceAxis(e, x, rank - 2, row, 1), rank - 1, column, 1);
  const known = new Map<string, Value>();
  // The determinant of the last rows in these columns.
  const minor = (columns: readonly number[]): Value => {
    const key = columns.join();
    const row = size - columns.length;
    let value = known.get(key);
    if (!value) {
      for (const [index, column] of columns.entries()) {
        const first = cell(row, column);
        const term = columns.length === 1 ? first : e.mul(first, minor(columns.toSpliced(index, 1)));
        value = value ? (index % 2 === 0 ? e.add(value, term) : e.sub(value, term)) : term;
      }
      known.set(key, value!);
    }
    return value!;
  };
  return e.reshapeLike(minor(range(size)), context.output());
});
