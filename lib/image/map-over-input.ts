import { resizeAntialiasedDeep } from '../kernels/index.ts';
import type { Maps } from '../kernels/types.ts';
import type { Placement } from './geometry.ts';

/**
 * A map [1, H, W] over the picture as a map [h, w] over the model's input: it goes the way of the picture, resized with
 * antialiasing, cut or put into a letterbox, whose margins are 0.
 */
export async function mapOverInput(maps: Maps, { resized, window, target, input }: Placement): Promise<Float32Array> {
  const [, height, width] = maps.dims;
  const image = { data: maps.data, info: { width, height, channels: 1 } };
  const { data } = await resizeAntialiasedDeep(image, { ...resized, window, interpolation: 'bilinear' });
  const part = data as Float32Array;
  if (part.length === input.width * input.height) return part;
  const over = new Float32Array(input.width * input.height);
  for (let y = 0; y < target.height; y++)
    over.set(part.subarray(y * target.width, (y + 1) * target.width), (target.y + y) * input.width + target.x);
  return over;
}
