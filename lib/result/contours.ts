import { setImmediate as nextTurn } from 'node:timers/promises';
import { inSteps, SLICE } from '../common/slices.ts';
import { type Components, type Connectivity, componentSteps, type Extent, extentsOf } from './components.ts';

/** In the picture's coordinates: the first pixel's corner is 0, its centre ½. */
export type Point = readonly [x: number, y: number];

/** The outline of a connected part, as polygons whose last point leads to the first. Pixel (x, y) covers [x, x + 1) × [y, y + 1). */
export interface MapContour {
  /** Around the part. */
  readonly outline: readonly Point[];
  /** Around the holes in it. */
  readonly holes: readonly (readonly Point[])[];
  /** Pixels of the part. */
  readonly area: number;
}

/** 0 and 1, [height, width]. */
export interface Cells {
  readonly cells: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface TraceSearch {
  readonly connectivity?: Connectivity | undefined;
  /** So many at most. */
  readonly max?: number | undefined;
  /** Parts of fewer pixels don't count. */
  readonly minArea?: number | undefined;
}

/**
 * The outlines of the connected parts of a mask, the largest first, equal ones in the row order of their first cells. They run
 * half a cell outside the centres and cut corners, as marching squares do. Each part and each hole is traced by itself, filled:
 * all at once, d3-contour looks for each hole through all polygons, which takes minutes for a noisy mask.
 */
export async function findContours(
  { cells, width, height }: Cells,
  { connectivity = 8, max = Infinity, minArea = 1 }: TraceSearch = {},
): Promise<MapContour[]> {
  const trace = await openTracer();
  const parts = partsOf(await inSteps(componentSteps(cells, width, height, connectivity)))
    .filter(({ area }) => area >= minArea)
    .sort((a, b) => b.area - a.area)
    .slice(0, max);
  const found: MapContour[] = [];
  let traced = 0;
  for (const part of parts) {
    const alone = drawn(part);
    const [outside, ...gaps] = await surroundings(alone, connectivity);
    const at = ({ x0, y0 }: Extent) => ({ x: x0 - 1, y: y0 - 1 });
    const corner = at(part.extent);
    const holes: Point[][] = [];
    for (const gap of gaps) {
      const hole = drawn(gap);
      const { x, y } = at(gap.extent);
      const [around] = await surroundings(hole, dual(connectivity));
      const ring = trace(hole, around!, dual(connectivity));
      holes.push(moved(ring, { x: corner.x + x, y: corner.y + y }).reverse());
    }
    found.push({ outline: moved(trace(alone, outside!, connectivity), corner), holes, area: part.area });
    traced += alone.cells.length;
    if (traced < SLICE) continue;
    traced = 0;
    await nextTurn();
  }
  return found;
}

/** A connected part by its runs. */
interface Part {
  readonly components: Components;
  readonly runs: number[];
  readonly extent: Extent;
  area: number;
}

function partsOf(components: Components): Part[] {
  const { runs, begins, ends, numbers } = components;
  const parts = extentsOf(components).map((extent): Part => ({ components, runs: [], extent, area: 0 }));
  for (let run = 0; run < runs; run++) {
    const part = parts[numbers[run]!]!;
    part.runs.push(run);
    part.area += ends[run]! - begins[run]!;
  }
  return parts;
}

/** A part alone, with a border of zeros. */
function drawn({ components: { rows, begins, ends }, runs, extent: { x0, y0, x1, y1 } }: Part): Cells {
  const [width, height] = [x1 - x0 + 3, y1 - y0 + 3];
  const cells = new Uint8Array(width * height);
  for (const run of runs) {
    const start = (rows[run]! - y0 + 1) * width - x0 + 1;
    cells.fill(1, start + begins[run]!, start + ends[run]!);
  }
  return { cells, width, height };
}

/** What is not in a part that is drawn alone: the outside first, then its holes. Diagonal neighbours belong together in one of both. */
async function surroundings({ cells, width, height }: Cells, connectivity: Connectivity): Promise<Part[]> {
  return partsOf(await inSteps(componentSteps(cells, width, height, dual(connectivity), 0)));
}

const dual = (connectivity: Connectivity): Connectivity => (connectivity === 8 ? 4 : 8);

type Tracer = (alone: Cells, outside: Part, connectivity: Connectivity) => Point[];

/** Traces the ring between a part, its holes filled, and the outside. */
async function openTracer(): Promise<Tracer> {
  // Loaded where it is needed: the command starts sooner without.
  const { contours } = await import('d3-contour');
  return ({ width, height }, { components: { rows, begins, ends }, runs }, connectivity) => {
    // d3-contour keeps diagonal neighbours apart: where they belong together the outside is traced, whose hole the part is.
    const reversed = connectivity === 8;
    const cells = new Uint8Array(width * height).fill(reversed ? 0 : 1);
    for (const run of runs)
      cells.fill(reversed ? 1 : 0, rows[run]! * width + begins[run]!, rows[run]! * width + ends[run]!);
    // Any list of numbers will do.
    const march = contours().size([width, height]).smooth(false);
    const [polygon] = march.contour(cells as unknown as number[], 1).coordinates;
    const ring = polygon![reversed ? 1 : 0]!.slice(1) as unknown as Point[];
    return reversed ? ring.reverse() : ring;
  };
}

/** The ring somewhere else, without the points in the middle of straight lines. */
function moved(ring: readonly Point[], by: { readonly x: number; readonly y: number }): Point[] {
  const isCorner = ([x, y]: Point, i: number) => {
    const [a, b] = ring.at(i - 1)!;
    const [c, d] = ring[(i + 1) % ring.length]!;
    return (x - a) * (d - y) !== (y - b) * (c - x);
  };
  return ring.filter(isCorner).map(([x, y]): Point => [x + by.x, y + by.y]);
}
