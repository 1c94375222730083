import type { RawPicture } from './raw-picture.ts';
import { rawPicture } from './raw-picture.ts';
import { loadSharp } from './sharp.ts';

/**
 * A picture as large as fits into a box, with its aspect. Small ones are enlarged pixel by pixel: what they don't have is not made up.
 * @param side pixels of the box
 * @param height of it, where it is no square
 */
export async function tileOf({ data, info }: RawPicture, side: number, height = side): Promise<RawPicture> {
  const sharp = await loadSharp();
  const isSmall = info.width <= side && info.height <= height;
  const { data: pixels, info: made } = await sharp(data, { raw: info, limitInputPixels: false })
    .resize({ width: side, height, fit: 'inside', kernel: isSmall ? 'nearest' : 'lanczos3' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return rawPicture(pixels, made.width, made.height);
}
