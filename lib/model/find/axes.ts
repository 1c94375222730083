/** What the positions along an axis of a tensor stand for. */
export type AxisKind = 'batch' | 'channel' | 'depth' | 'row' | 'column' | 'token';

/** Tokens in the order of a picture: prefix tokens (class, distillation, registers), then the grid row by row. */
export interface TokenGrid {
  readonly grid: readonly [height: number, width: number];
  readonly prefix: number;
}

/**
 * A factor of an axis. Splitting an axis of rows into windows gives two factors of one root: the outer one counts steps
 * of `stride` rows.
 */
export interface AxisFactor {
  readonly kind: AxisKind;
  /** −1 where dynamic. */
  readonly size: number;
  /** Which axis it was cut from. */
  readonly root: number;
  readonly stride: number;
  /** Of kind 'token'. */
  readonly tokens?: TokenGrid;
  /** How many positions were moved from the beginning to the end, of an axis that was turned (shifted windows). */
  readonly turned?: number;
}

/** An axis as a product of factors, outermost first; none for an axis of size 1. */
export type Axis = readonly AxisFactor[];
export type Axes = readonly Axis[];

let roots = 0;

export function newAxis(kind: AxisKind, size: number, tokens?: TokenGrid): Axis {
  return size === 1 ? [] : [{ kind, size, root: roots++, stride: 1, tokens }];
}

/** An axis of tokens; without prefix and rest it is the product of rows and columns, so that it can be taken apart. */
export function tokenAxis(size: number, { grid, prefix }: TokenGrid): Axis {
  const [height, width] = grid;
  if (prefix > 0 || height * width !== size) return newAxis('token', size, { grid, prefix });
  return [...newAxis('row', height), ...newAxis('column', width)];
}

/** How an axis holds the grid; undefined for axes of something else. */
export function tokensOf(axis: Axis): TokenGrid | undefined {
  const [first, second] = axis;
  if (axis.length === 1) return first!.tokens;
  if (axis.length === 2 && first!.kind === 'row' && second!.kind === 'column')
    return { grid: [first!.size, second!.size], prefix: 0 };
  return undefined;
}

/** An axis turned by some positions; undefined for one that is several things, of which nothing would be left in order. */
export function turn(axis: Axis, shift: number): Axis | undefined {
  const [factor] = axis;
  if (axis.length !== 1 || !factor || factor.kind === 'token' || factor.size < 0) return undefined;
  const turned = ((factor.turned ?? 0) + shift) % factor.size;
  return [{ ...factor, turned: turned === 0 ? undefined : turned }];
}

const SPATIAL: ReadonlySet<AxisKind> = new Set(['depth', 'row', 'column', 'token']);

export const isSpatial = (axis: Axis): boolean => axis.some(({ kind }) => SPATIAL.has(kind));

/** It holds positions and nothing else. */
export const isAllSpatial = (axis: Axis): boolean => axis.length > 0 && axis.every(({ kind }) => SPATIAL.has(kind));

/** The kind of an axis that is one thing alone, in its own order. */
export function kindOf(axis: Axis): AxisKind | undefined {
  return axis.length === 1 && axis[0]!.turned === undefined ? axis[0]!.kind : undefined;
}

/**
 * The axes of a tensor after a Reshape to `dims`: the factors are dealt out again from both ends towards the dynamic
 * size, and split where a size cuts through one. undefined where the sizes don't fit (or two are dynamic).
 */
export function regroup(axes: Axes, dims: readonly number[]): Axes | undefined {
  if (dims.filter(size => size < 0).length > 1) return undefined;
  // Axes cut apart before are whole again where nothing has come between: the new sizes may cut them elsewhere.
  const rest: AxisFactor[] = [...merged(axes.flat())];
  const dynamic = dims.findIndex(size => size < 0);
  const end = dynamic < 0 ? dims.length : dynamic;
  const front: Axis[] = [];
  const back: Axis[] = [];
  for (let i = 0; i < end; i++) {
    const axis = take(rest, dims[i]!, 'front');
    if (!axis) return undefined;
    front.push(axis);
  }
  for (let i = dims.length - 1; i > end; i--) {
    const axis = take(rest, dims[i]!, 'back');
    if (!axis) return undefined;
    back.push(axis);
  }
  if (dynamic < 0) return rest.length === 0 ? front : undefined;
  return [...front, merged(rest), ...back.reverse()];
}

/** Takes factors of a total size from one end of a list. */
function take(rest: AxisFactor[], size: number, from: 'front' | 'back'): Axis | undefined {
  const taken: AxisFactor[] = [];
  for (let wanted = size; wanted > 1; ) {
    const factor = from === 'front' ? rest.shift() : rest.pop();
    if (!factor || factor.size < 0) return undefined;
    if (wanted % factor.size === 0) {
      taken.push(factor);
      wanted /= factor.size;
    } else if (factor.size % wanted === 0 && factor.kind !== 'token') {
      const other = factor.size / wanted;
      const [outer, inner] = from === 'front' ? [wanted, other] : [other, wanted];
      const high = { ...factor, size: outer, stride: factor.stride * inner };
      const low = { ...factor, size: inner };
      taken.push(from === 'front' ? high : low);
      if (from === 'front') rest.unshift(low);
      else rest.push(high);
      wanted = 1;
    } else return undefined;
  }
  return merged(from === 'front' ? taken : taken.reverse());
}

/** Neighbouring factors of one root that belong together become one again. */
function merged(factors: readonly AxisFactor[]): Axis {
  const result: AxisFactor[] = [];
  for (const factor of factors) {
    const last = result.at(-1);
    if (
      last &&
      last.root === factor.root &&
      last.turned === factor.turned &&
      last.size > 0 &&
      last.stride === factor.stride * factor.size
    )
      result[result.length - 1] = { ...factor, size: last.size * factor.size };
    else result.push(factor);
  }
  return result;
}
