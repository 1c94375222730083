import { invalid } from '../common/checks.ts';
import { firstOf } from '../common/first-of.ts';
import type { Size } from '../image/geometry.ts';
import { positiveMaps } from '../kernels/map-values.ts';
import { placeMaps } from '../kernels/place-maps.ts';
import type { Maps } from '../kernels/types.ts';
import { checkInputSize } from './support/input-bound.ts';
import { fromPlanes, planesOf, windowChange } from './support/planes.ts';
import { type ChangedInput, defineTechnique, type TechniqueSubject } from './technique.ts';

/** How the crops lie, along one axis. */
interface Axis {
  /** Of the input, and so of every crop. */
  readonly side: number;
  /** Cells of the coarsest layer. */
  readonly cells: number;
  /** Cells that the enlarged input has more. */
  readonly extra: number;
  /** Pixels of the enlarged input. */
  readonly enlarged: number;
}

interface Crop {
  /** Cells of the coarsest layer from the upper left corner. */
  readonly x: number;
  readonly y: number;
}

/**
 * Jitter-CAM: the input is enlarged (nearest neighbours) so that the layer would have `factor` times as many cells each way, and crops of the input's size
 * are explained at every multiple of the layer's stride; the positive parts of their raw maps are averaged where they lie on the larger
 * grid. `official`: divided by one more than the count of the maps at a cell, as the authors' code does.
 */
export const jitterCam = defineTechnique({
  name: 'jitter-cam',
  title: 'Jitter-CAM',
  paper: 'BMVC 2021, Jitter-CAM',
  cost: '((factor − 1)·h + 1)·((factor − 1)·w + 1)·M',
  params: {
    factor: {
      type: 'number',
      default: 2,
      min: 1,
      max: 8,
      description: "how many times finer than the layer's the map's grid is, each way",
    },
    mode: {
      type: 'string',
      values: ['true', 'official'],
      default: 'true',
      description: 'true: the mean; official: counts start at 1, as their code has it',
    },
  },
  async apply(subject, params) {
    const { factor, mode } = params as { factor: number; mode: 'true' | 'official' };
    // The input itself tells the layers' sizes.
    const clean = await firstOf(subject.explain([{ tensor: subject.tensor }], 1, [0, 0]));
    const layers = clean.maps.flatMap(({ raw }) => raw);
    const axis = (side: number, at: 1 | 2): Axis => {
      const cells = Math.min(...layers.map(({ dims }) => dims[at]));
      const extra = Math.round(factor * cells) - cells;
      return { side, cells, extra, enlarged: side + Math.round((extra * side) / cells) };
    };
    const [x, y] = [axis(subject.size.width, 2), axis(subject.size.height, 1)];
    checkInputSize(subject, { width: x.enlarged, height: y.enlarged });
    const crops = cropsOf(x, y);
    const sums = clean.maps.map(({ raw }) => raw.map(layer => new GridMean(layer, x, y, mode === 'official' ? 1 : 0)));
    let next = 0;
    for await (const { maps } of subject.explain(cropped(subject, crops, x, y), crops.length)) {
      const crop = crops[next++]!;
      for (const [s, { raw }] of maps.entries())
        for (const [l, layer] of raw.entries()) await sums[s]![l]!.add(await positiveMaps(layer), crop);
    }
    return sums.map(grids => ({ raw: grids.map(grid => grid.mean()) }));
  },
});

const MOST_CROPS = 10000;

/** @throws `ERR_OPTION_INVALID` for too many */
function cropsOf(x: Axis, y: Axis): Crop[] {
  const count = (x.extra + 1) * (y.extra + 1);
  if (count > MOST_CROPS)
    throw invalid(
      `jitter-cam would make ${count} crops for a map of ${x.cells} × ${y.cells} cells, more than ${MOST_CROPS}; take a smaller \`factor\`, or a layer with fewer cells`,
    );
  const crops: Crop[] = [];
  for (let row = 0; row <= y.extra; row++)
    for (let column = 0; column <= x.extra; column++) crops.push({ x: column, y: row });
  return crops;
}

/** Pixel at which the crops of a cell begin. */
const pixelOf = (cell: number, { side, cells, extra, enlarged }: Axis): number =>
  cell === extra ? enlarged - side : Math.round((cell * side) / cells);

async function* cropped(
  { tensor, layout, size }: TechniqueSubject,
  crops: readonly Crop[],
  x: Axis,
  y: Axis,
): AsyncGenerator<ChangedInput> {
  const enlarged = { width: x.enlarged, height: y.enlarged };
  const planes = nearest(planesOf(tensor, layout), enlarged);
  for (const crop of crops) {
    const [left, top] = [pixelOf(crop.x, x), pixelOf(crop.y, y)];
    yield {
      tensor: fromPlanes(cutOut(planes, left, top, size), tensor, layout),
      change: windowChange(size, enlarged, { ...size, x: left, y: top }),
    };
  }
}

/** Pixel ⌊i · in / out⌋ of each pixel i: PyTorch's `nearest`. */
function nearest(planes: Maps, { width, height }: Size): Maps {
  const [count, rows, columns] = planes.dims;
  const data = new Float32Array(count * height * width);
  for (let p = 0, to = 0; p < count; p++)
    for (let i = 0; i < height; i++) {
      const row = (p * rows + Math.floor((i * rows) / height)) * columns;
      for (let j = 0; j < width; j++) data[to++] = planes.data[row + Math.floor((j * columns) / width)]!;
    }
  return { data, dims: [count, height, width] };
}

function cutOut(
  { data, dims: [count, rows, columns] }: Maps,
  left: number,
  top: number,
  { width, height }: Size,
): Maps {
  const cut = new Float32Array(count * height * width);
  for (let p = 0; p < count; p++)
    for (let i = 0; i < height; i++) {
      const from = (p * rows + top + i) * columns + left;
      cut.set(data.subarray(from, from + width), (p * height + i) * width);
    }
  return { data: cut, dims: [count, height, width] };
}

/** Means of maps that lie at several places of a larger grid. */
class GridMean {
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;
  readonly #dims: readonly [number, number, number];
  /** Cells of this layer for one of the coarsest. */
  readonly #perCell: readonly [x: number, y: number];

  /** @param first what every count begins with */
  constructor({ dims: [count, height, width] }: Maps, x: Axis, y: Axis, first: number) {
    this.#perCell = [width / x.cells, height / y.cells];
    const larger = (cells: number, { extra }: Axis, per: number) => cells + Math.round(extra * per);
    this.#dims = [count, larger(height, y, this.#perCell[1]), larger(width, x, this.#perCell[0])];
    const area = this.#dims[1] * this.#dims[2];
    this.#sums = new Float64Array(count * area);
    this.#counts = new Float64Array(area).fill(first);
  }

  async add(maps: Maps, crop: Crop): Promise<void> {
    const [count, height, width] = this.#dims;
    const [, rows, columns] = maps.dims;
    const [left, top] = [crop.x * this.#perCell[0], crop.y * this.#perCell[1]];
    // Layers whose cells are no multiple of the coarsest's lie between the grid's.
    const whole = Number.isInteger(left) && Number.isInteger(top);
    const from = whole ? maps : await shifted(maps, left - Math.floor(left), top - Math.floor(top));
    const [x0, y0] = [Math.floor(left), Math.floor(top)];
    for (let n = 0; n < count; n++)
      for (let i = 0; i < rows && y0 + i < height; i++)
        for (let j = 0; j < columns && x0 + j < width; j++) {
          const at = (y0 + i) * width + x0 + j;
          this.#sums[n * height * width + at]! += from.data[(n * rows + i) * columns + j]!;
          if (n === 0) this.#counts[at]!++;
        }
  }

  mean(): Maps {
    const area = this.#counts.length;
    const data = Float32Array.from(this.#sums, (sum, i) =>
      this.#counts[i % area]! > 0 ? sum / this.#counts[i % area]! : 0,
    );
    return { data, dims: this.#dims };
  }
}

/** Moved right and down by less than a cell, bilinear. */
function shifted(maps: Maps, right: number, down: number): Promise<Maps> {
  const axis = (length: number, by: number) => ({ length, scale: 1, offset: -by, begin: 0, end: length });
  return placeMaps(maps, axis(maps.dims[2], right), axis(maps.dims[1], down));
}
