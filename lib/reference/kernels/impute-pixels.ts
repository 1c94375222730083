import { Random } from '../../common/random.ts';
import type { PictureShape } from '../../kernels/picture-values.ts';
import { placeOf } from './picture-values.ts';

/** Twin of native/kernels/impute/impute_pixels.cpp: one dense system in double precision, for small pictures. */
export function imputePixels(
  image: Float32Array,
  shape: PictureShape,
  order: Uint32Array,
  ranges: readonly (readonly [begin: number, end: number])[],
  { noise = 0, seed = 0 }: { readonly noise?: number; readonly seed?: number } = {},
): Float32Array[] {
  return ranges.map(([begin, end]) => {
    const removed = [...new Set(order.subarray(begin, end))].sort((a, b) => a - b);
    if (removed.length === shape.height * shape.width) return new Float32Array(image.length);
    const random = new Random(seedOf(begin, end, seed));
    const filled = image.slice();
    const at = placeOf(shape);
    const values = solve(...systemOf(image, shape, removed));
    for (const [row, pixel] of removed.entries())
      for (let c = 0; c < shape.channels; c++) {
        const value = Math.fround(values[row]![c]!);
        const place = at(c, Math.floor(pixel / shape.width), pixel % shape.width);
        filled[place] = noise === 0 ? value : value + noise * random.normal();
      }
    return filled;
  });
}

function seedOf(begin: number, end: number, seed: number): number {
  return Math.imul(seed, 0x85ebca6b) ^ Math.imul(begin + 1, 0x9e3779b9) ^ Math.imul(end + 1, 0xc2b2ae35);
}

/** Matrix [removed, removed] and right-hand sides [removed, channels]. */
function systemOf(image: Float32Array, shape: PictureShape, removed: readonly number[]): [number[][], number[][]] {
  const { channels, height, width } = shape;
  const at = placeOf(shape);
  const rows = new Map(removed.map((pixel, row) => [pixel, row]));
  const matrix = removed.map(() => new Array<number>(removed.length).fill(0));
  const right = removed.map(() => new Array<number>(channels).fill(0));
  for (const [pixel, row] of rows)
    for (const [dy, dx] of NEIGHBOURS) {
      const [y, x] = [Math.floor(pixel / width) + dy, (pixel % width) + dx];
      if (y < 0 || x < 0 || y >= height || x >= width) continue;
      const weight = dy === 0 || dx === 0 ? 1 / 6 : 1 / 12;
      matrix[row]![row]! += weight;
      const other = rows.get(y * width + x);
      if (other !== undefined) matrix[row]![other]! -= weight;
      else for (let c = 0; c < channels; c++) right[row]![c]! += weight * image[at(c, y, x)]!;
    }
  return [matrix, right];
}

const NEIGHBOURS = [-1, 0, 1].flatMap(dy => [-1, 0, 1].map(dx => [dy, dx] as const)).filter(([dy, dx]) => dy || dx);

/** Elimination without a choice of pivots: the matrix is symmetric and positive. Overwrites both. */
function solve(matrix: number[][], right: number[][]): number[][] {
  for (const [k, pivot] of matrix.entries())
    for (let row = k + 1; row < matrix.length; row++) {
      const factor = matrix[row]![k]! / pivot[k]!;
      if (factor === 0) continue;
      for (let column = k; column < matrix.length; column++) matrix[row]![column]! -= factor * pivot[column]!;
      for (let c = 0; c < right[row]!.length; c++) right[row]![c]! -= factor * right[k]![c]!;
    }
  for (let k = matrix.length - 1; k >= 0; k--)
    for (let c = 0; c < right[k]!.length; c++) {
      let value = right[k]![c]!;
      for (let column = k + 1; column < matrix.length; column++) value -= matrix[k]![column]! * right[column]![c]!;
      right[k]![c] = value / matrix[k]![k]!;
    }
  return right;
}
