import { OnnxCamError } from '../common/errors.ts';
import { nativeKernels, steady } from './native-kernels.ts';
import type { AxisPlacement, Maps } from './types.ts';

/**
 * Samples maps [N, h, w] bilinearly (half-pixel, borders repeated) on a grid that lies anywhere over them: [N, H, W].
 * `maps.data` must not change until the promise settles.
 * @throws `ERR_INPUT_SHAPE` when data, sizes and ranges do not fit together.
 */
export async function placeMaps(maps: Maps, x: AxisPlacement, y: AxisPlacement): Promise<Maps> {
  const [count, height, width] = maps.dims;
  if (!fits(x) || !fits(y) || !(count * width * height >= 1) || maps.data.length !== count * height * width) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `cannot place ${maps.data.length} values as maps [${maps.dims.join(', ')}] at ${JSON.stringify({ x, y })}`,
    );
  }
  const data = await nativeKernels().placeMaps(
    steady(maps.data),
    count,
    height,
    width,
    y.length,
    x.length,
    y.scale,
    y.offset,
    y.begin,
    y.end,
    x.scale,
    x.offset,
    x.begin,
    x.end,
  );
  return { data, dims: [count, y.length, x.length] };
}

function fits({ length, begin, end, scale, offset }: AxisPlacement): boolean {
  return (
    [length, begin, end].every(Number.isSafeInteger) &&
    0 <= begin &&
    begin <= end &&
    end <= length &&
    length >= 1 &&
    Number.isFinite(scale) &&
    Number.isFinite(offset)
  );
}
