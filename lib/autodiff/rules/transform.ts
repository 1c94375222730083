import { sliceAxis } from '../forms.ts';
import { positiveAxis, range, type Value } from '../value.ts';
import { decomposed } from './decomposed.ts';

/** A longer axis would need a matrix of millions of constants. */
const LONGEST = 512;

/** DFT as a product with cosines and sines of the axis and the pair (real, imaginary) together. */
export const dft = decomposed(
  context => {
    const { emit: e, node } = context;
    const { attributes } = node;
    const [x, y] = [context.input(), context.output()];
    const rank = x.dims.length;
    const varying = (what: string) => context.fail(`its ${what} varies at run time`);
    const given = context.has(2) ? (context.constantNumber(2) ?? varying('axis')) : -2;
    const axis = positiveAxis(e.opset < 20 ? attributes.int('axis', 1) : given, rank);
    const [inverse, onesided] = [attributes.int('inverse', 0) === 1, attributes.int('onesided', 0) === 1];
    if (inverse && onesided) context.fail('inverse and onesided together are not supported');
    const length = context.has(1) ? (context.constantNumber(1) ?? varying('length')) : x.dims[axis]!;
    if (x.dims[axis] === -1) varying('length');
    if (Math.max(length, x.dims[axis]!) > LONGEST) context.fail(`only axes of up to ${LONGEST} have a rule`);
    const used = sliceAxis(e, x, axis, 0, Math.min(length, x.dims[axis]!));
    const others = range(rank - 1).filter(index => index !== axis);
    const perm = [...others, axis, rank - 1];
    const moved = e.transpose(used, perm);
    const [count, parts] = moved.dims.slice(-2) as [number, number];
    const places = y.dims[axis]!;
    const matrix = e.constant(waves(count, parts, places, length, inverse), x.type, [count * parts, places * 2]);
    const outer = moved.dims.slice(0, -2);
    const product = e.matMul(e.reshape(moved, [...outer, count * parts]), matrix);
    const back = range(rank).map(index => perm.indexOf(index));
    return e.transpose(e.reshape(product, [...outer, places, 2]), back);
  },
  [0],
);

/** Rows: place and part of the input; columns: place and part of the output. */
function waves(count: number, parts: number, places: number, length: number, inverse: boolean): number[] {
  const scale = inverse ? 1 / length : 1;
  return range(count).flatMap(n =>
    range(parts).flatMap(part =>
      range(places).flatMap(k => {
        const angle = ((inverse ? 2 : -2) * Math.PI * ((n * k) % length)) / length;
        const [cosine, sine] = [scale * Math.cos(angle), scale * Math.sin(angle)];
        return part === 0 ? [cosine, sine] : [-sine, cosine];
      }),
    ),
  );
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
