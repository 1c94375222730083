import type { AxisPlacement } from '../kernels/types.ts';

// The grid whose bilinear enlargement comes closest to a map (least squares). Enlarging is separable, M = R · G · Cᵀ with two weights
// in each row of R and C, so G = R⁺ · M · (C⁺)ᵀ; the normal equations of hat functions are tridiagonal. Exact, up to rounding, for maps
// that were enlarged from a grid of that size.

export interface Plane {
  /** Row-major. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Nodes that no pixel touches become 0. */
const RIDGE = 1e-9;

/**
 * @param x how the map's columns lie over the grid's, `y` its rows: what `placeMaps` enlarges the grid with
 * @returns [size.height, size.width], in [0, 1]
 */
export function fitGrid(
  map: Plane,
  size: { readonly width: number; readonly height: number },
  x: AxisPlacement,
  y: AxisPlacement,
): Plane {
  const rows = fitRows(map, size.height, y);
  const columns = fitRows(turned(rows), size.width, x);
  const { data } = turned(columns);
  for (let i = 0; i < data.length; i++) data[i] = Math.min(1, Math.max(0, data[i]!));
  return { data, width: size.width, height: size.height };
}

/** Where the pixel `i` falls between two nodes: the lower one, and the upper one's weight. */
export function tapOf(i: number, { scale, offset }: AxisPlacement, nodes: number): { low: number; weight: number } {
  const at = Math.min(nodes - 1, Math.max(0, (i + 0.5) * scale + offset - 0.5));
  const low = Math.min(Math.floor(at), Math.max(0, nodes - 2));
  return { low, weight: at - low };
}

/** Along the rows' axis alone: [nodes, width]. */
function fitRows({ data, width }: Plane, nodes: number, axis: AxisPlacement): Plane {
  const diagonal = new Float64Array(nodes).fill(RIDGE);
  const beside = new Float64Array(nodes);
  const sums = new Float64Array(nodes * width);
  for (let j = axis.begin; j < axis.end; j++) {
    const { low, weight } = tapOf(j, axis, nodes);
    const rest = 1 - weight;
    diagonal[low]! += rest * rest;
    addRow(sums, low, data, j, width, rest);
    if (weight === 0) continue;
    diagonal[low + 1]! += weight * weight;
    beside[low]! += rest * weight;
    addRow(sums, low + 1, data, j, width, weight);
  }
  solve(diagonal, beside, sums, width);
  return { data: Float32Array.from(sums), width, height: nodes };
}

function addRow(sums: Float64Array, node: number, data: Float32Array, row: number, width: number, factor: number) {
  const [to, from] = [node * width, row * width];
  for (let i = 0; i < width; i++) sums[to + i]! += factor * data[from + i]!;
}

/** Thomas' algorithm for a symmetric tridiagonal matrix, all right-hand sides at once, in their place. */
function solve(diagonal: Float64Array, beside: Float64Array, sides: Float64Array, width: number): void {
  const nodes = diagonal.length;
  for (let n = 1; n < nodes; n++) {
    const factor = beside[n - 1]! / diagonal[n - 1]!;
    diagonal[n]! -= factor * beside[n - 1]!;
    for (let i = 0; i < width; i++) sides[n * width + i]! -= factor * sides[(n - 1) * width + i]!;
  }
  for (let n = nodes - 1; n >= 0; n--)
    for (let i = 0; i < width; i++) {
      const above = n + 1 < nodes ? beside[n]! * sides[(n + 1) * width + i]! : 0;
      sides[n * width + i] = (sides[n * width + i]! - above) / diagonal[n]!;
    }
}

function turned({ data, width, height }: Plane): Plane {
  const across = new Float32Array(data.length);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) across[x * height + y] = data[y * width + x]!;
  return { data: across, width: height, height: width };
}
