import { addon } from '../engine/addon.ts';
import { OnnxCamError } from '../errors.ts';
import type { Maps } from './maps.ts';

/** How one axis of the result lies over one axis of the maps. */
export interface AxisPlacement {
  /** Pixels of the result. */
  readonly length: number;
  /** Map coordinate of the centre of pixel i: (i + ½) · scale + offset; the map spans 0 to its own length. */
  readonly scale: number;
  readonly offset: number;
  /** Pixels outside [begin, end) become 0. */
  readonly begin: number;
  readonly end: number;
}

interface PictureAddon {
  placeMaps(
    maps: Float32Array,
    count: number,
    mapWidth: number,
    mapHeight: number,
    width: number,
    height: number,
    ...axesAndResult: (number | Float32Array)[]
  ): Promise<void>;
}

/**
 * Samples maps [N, h, w] bilinearly (half-pixel, borders repeated) on a grid that lies anywhere over them: [N, H, W].
 * `maps.data` must not change until the promise settles.
 * @throws `ERR_INPUT_SHAPE` when data, sizes and ranges do not fit together.
 */
export async function placeMaps(maps: Maps, x: AxisPlacement, y: AxisPlacement): Promise<Maps> {
  const [count, height, width] = maps.dims;
  const fits = [x, y].every(
    ({ length, begin, end, scale, offset }) =>
      [length, begin, end].every(Number.isSafeInteger) &&
      0 <= begin &&
      begin <= end &&
      end <= length &&
      Number.isFinite(scale) &&
      Number.isFinite(offset),
  );
  if (!fits || !(width >= 1 && height >= 1) || maps.data.length !== count * height * width) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `cannot place ${maps.data.length} values as maps [${maps.dims.join(',')}] at ${JSON.stringify({ x, y })}`,
    );
  }
  const data = new Float32Array(count * y.length * x.length);
  const axis = (a: AxisPlacement) => [a.scale, a.offset, a.begin, a.end];
  await addon<PictureAddon>().placeMaps(
    maps.data,
    count,
    width,
    height,
    x.length,
    y.length,
    ...axis(x),
    ...axis(y),
    data,
  );
  return { data, dims: [count, y.length, x.length] };
}
