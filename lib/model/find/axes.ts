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
  /** Last position first. */
  readonly flipped?: true;
  /** Which part of the picture the positions cover, where something was cut off or added: 0 is its beginning, 1 its end. */
  readonly covers?: readonly [from: number, to: number];
}

/** An axis as a product of factors, outermost first; none for an axis of size 1. */
export type Axis = readonly AxisFactor[];
export type Axes = readonly Axis[];

const SPATIAL: ReadonlySet<AxisKind> = new Set(['depth', 'row', 'column', 'token']);

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

/** As `tokensOf`, where all is where it is in the picture. */
export const tokensInPlace = (axis: Axis): TokenGrid | undefined =>
  axis.some(isDisplaced) ? undefined : tokensOf(axis);

/** As `tokensOf`, also of a single row or column of positions (lines of text), whose other axis has size 1. */
export function sequenceOf(axis: Axis): TokenGrid | undefined {
  const [first, second] = axis;
  if (!first || second || first.tokens || isDisplaced(first)) return tokensOf(axis);
  if (first.kind === 'column') return { grid: [1, first.size], prefix: 0 };
  return first.kind === 'row' ? { grid: [first.size, 1], prefix: 0 } : undefined;
}

/** An axis turned by some positions; undefined for one that is several things, of which nothing would be left in order. */
export function turn(axis: Axis, shift: number): Axis | undefined {
  const [factor] = axis;
  if (axis.length !== 1 || !factor || factor.kind === 'token' || factor.size < 0) return undefined;
  const turned = ((factor.turned ?? 0) + shift) % factor.size;
  return [{ ...factor, turned: turned === 0 ? undefined : turned }];
}

/** What a map may lie beside the picture without being wrong: borders that are cut off or added, or one position. */
const TOLERANCE = 0.2;

/** Positions that are not where they are in the picture: turned, mirrored, or of a part of it alone. */
export function isDisplaced({ turned, flipped, ...factor }: AxisFactor): boolean {
  const [before, behind] = beside(factor);
  return turned !== undefined || flipped === true || before < 0 || behind < 0;
}

/** Positions of the picture and of what the graph puts around it. */
export const isPadded = (factor: AxisFactor): boolean => beside(factor).some(more => more > 0);

/** By how much more (above 0) or less than the picture they reach at either end, as far as that matters. */
function beside({ size, covers: [from, to] = [0, 1] }: Pick<AxisFactor, 'size' | 'covers'>): [number, number] {
  const tolerance = Math.max(TOLERANCE, (1.01 * (to - from)) / Math.abs(size));
  const much = (more: number) => (Math.abs(more) > tolerance ? more : 0);
  return [much(-from), much(to - 1)];
}

/** An axis whose last position comes first, of several things too. */
export function flip(axis: Axis): Axis {
  return axis.map(factor => ({ ...factor, flipped: factor.flipped ? undefined : true }));
}

/**
 * `count` positions of an axis of `total`, from `start` (below 0: positions were added), each `step` further, as an axis of
 * its own; channels where it was several things.
 */
export function stretch(
  axis: Axis,
  { total, start, count, step = 1 }: { total: number; start: number; count: number; step?: number },
): Axis {
  const [factor] = axis;
  const kind = placedKind(axis);
  if (!factor || kind === undefined || kind === 'token') return newAxis('channel', count);
  if (!SPATIAL.has(kind)) return newAxis(kind, count);
  const { covers: [from, to] = [0, 1], flipped } = factor;
  const at = (position: number) => from + ((to - from) * position) / total;
  const covers = flipped
    ? ([at(total - start - count * step), at(total - start)] as const)
    : ([at(start), at(start + count * step)] as const);
  return placed(newAxis(kind, count), { flipped, covers });
}

/**
 * An axis of another size over the same part of the picture.
 * @param eaten positions at either end that windows without padding of their own take from what was added before
 */
export function resized(axis: Axis, size: number, { total, eaten }: { total: number; eaten: number } = NOTHING): Axis {
  const kind = placedKind(axis);
  if (kind === undefined || kind === 'token') return newAxis('channel', size);
  const { flipped, covers } = axis[0]!;
  if (!covers) return placed(newAxis(kind, size), { flipped });
  const [from, to] = covers;
  const inner = ((to - from) * eaten) / total;
  const [added, behind] = [Math.min(0, from + inner), Math.max(1, to - inner)];
  // What padding adds to each of many layers is no shift.
  const step = Math.max(TOLERANCE, (to - from) / size);
  const least = from < 0 ? (added > -step ? 0 : added) : from;
  const most = to > 1 ? (behind < 1 + step ? 1 : behind) : to;
  return placed(newAxis(kind, size), { flipped, covers: [least, most] });
}

const NOTHING = { total: 1, eaten: 0 };

/** Pieces that were joined along their axes: rows and columns again where they follow one another, in the picture's order. */
export function sideBySide(
  parts: readonly { readonly axis: Axis | undefined; readonly size: number }[],
  size: number,
): Axis {
  // Borders are repeated and mirrored around the whole, which stays what most of it is.
  const most = parts.find(part => part.size * 1.3 > size && part.axis?.length === 1 && !isDisplaced(part.axis[0]!));
  if (most) return resized(most.axis!, size);
  const factors = parts.map(({ axis }) => (axis?.length === 1 ? axis[0] : undefined));
  const kind = factors[0]?.kind;
  const inOrder = factors.every((factor, i) => {
    const before = i === 0 ? 0 : factors[i - 1]?.covers?.[1];
    const { covers, flipped } = factor ?? {};
    return factor?.kind === kind && covers && !flipped && before !== undefined && Math.abs(covers[0] - before) < 1e-6;
  });
  const whole = inOrder && Math.abs(factors.at(-1)!.covers![1] - 1) < 1e-6;
  return newAxis(whole && kind !== undefined && kind !== 'token' ? kind : 'channel', size);
}

function placed(axis: Axis, { flipped, covers }: Pick<AxisFactor, 'flipped' | 'covers'>): Axis {
  return axis.map(factor => ({ ...factor, ...(flipped && { flipped }), ...(covers && { covers }) }));
}

/** The kind of an axis that is one thing alone, perhaps mirrored or a part. */
function placedKind(axis: Axis): AxisKind | undefined {
  return axis.length === 1 && axis[0]!.turned === undefined ? axis[0]!.kind : undefined;
}

export const isSpatial = (axis: Axis): boolean => axis.some(({ kind }) => SPATIAL.has(kind));

/** It holds positions and nothing else. */
export const isAllSpatial = (axis: Axis): boolean => axis.length > 0 && axis.every(({ kind }) => SPATIAL.has(kind));

/** The kind of an axis that is one thing alone, in its own order. */
export function kindOf(axis: Axis): AxisKind | undefined {
  return axis.length === 1 && !isDisplaced(axis[0]!) ? axis[0]!.kind : undefined;
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
      last.flipped === factor.flipped &&
      last.covers === factor.covers &&
      last.size > 0 &&
      last.stride === factor.stride * factor.size
    )
      result[result.length - 1] = { ...factor, size: last.size * factor.size };
    else result.push(factor);
  }
  return result;
}
