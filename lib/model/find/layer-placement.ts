import { type Axes, type Axis, isDisplaced, isSpatial, kindOf, sequenceOf, type TokenGrid, tokensOf } from './axes.ts';

/** Order of a layer's axes: feature maps, channels last, volumes, frames of clips [N·T,C,h,w], or tokens [N,T,D]. */
export type LayerLayout = 'nchw' | 'nhwc' | 'ncdhw' | 'frames' | 'tokens';

/** How a tensor holds feature maps. */
export interface LayerPlacement {
  readonly layout: LayerLayout;
  /** Of layout 'tokens'. */
  readonly tokens?: TokenGrid;
  /** Of layout 'frames': T. */
  readonly frames?: number;
}

const LAYOUTS = {
  nchw: ['batch', 'channel', 'row', 'column'],
  nhwc: ['batch', 'row', 'column', 'channel'],
  ncdhw: ['batch', 'channel', 'depth', 'row', 'column'],
} as const;

/**
 * The layout of a tensor by its axes: maps, channels last, volumes or tokens; undefined for heads, windows, attention
 * matrices and all others in which a position's channels don't lie on one axis.
 */
export function layerPlacement(axes: Axes): LayerPlacement | undefined {
  // Turned for shifted windows, mirrored, cut out: a map of it would lie beside what it shows.
  if (axes.some(axis => axis.some(isDisplaced))) return undefined;
  const [batch, ...rest] = axes;
  const frames = batch && framesIn(batch);
  if (frames !== undefined)
    return rest.length === 3 && rest.every(fitsFrame) ? { layout: 'frames', frames } : undefined;
  if (!batch || isSpatial(batch)) return undefined;
  if (rest.length === 2) {
    const tokens = sequenceOf(rest[0]!);
    return tokens && !isSpatial(rest[1]!) ? { layout: 'tokens', tokens } : undefined;
  }
  for (const [layout, kinds] of Object.entries(LAYOUTS) as [LayerLayout, readonly string[]][])
    if (kinds.length === axes.length && axes.every((axis, i) => fits(axis, kinds[i]!))) return { layout };
  return undefined;
}

/** Frames that are folded into the batch, images first. */
function framesIn(axis: Axis): number | undefined {
  const [last, ...images] = axis.toReversed();
  const folded = last?.kind === 'depth' && last.size > 1 && images.every(({ kind }) => kind === 'batch');
  return folded ? last.size : undefined;
}

const fitsFrame = (axis: Axis, i: number): boolean => fits(axis, LAYOUTS.nchw[i + 1]!);

/** An axis of size 1 may stand for any; channels may have taken in positions (patches, patch merging). */
function fits(axis: Axis, kind: string): boolean {
  if (kind === 'batch') return !isSpatial(axis);
  const own = kindOf(axis);
  if (kind === 'channel')
    return own !== 'row' && own !== 'column' && own !== 'depth' && own !== 'token' && !tokensOf(axis);
  return axis.length === 0 || own === kind;
}
