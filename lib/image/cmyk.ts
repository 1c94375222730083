import type { OutputInfo } from 'sharp';
import { ownArray } from '../common/kinds.ts';
import { loadSharp } from './sharp.ts';

/**
 * RGB of CMYK pixels as Pillow makes it, without a colour profile: (255 − c)·(255 − k) / 255. Seen as RGBA and inverted that
 * is what flattening on black does.
 */
export async function rgbOfCmyk({ data, info }: { readonly data: Buffer; readonly info: OutputInfo }) {
  const sharp = await loadSharp();
  const { width, height } = info;
  const inverted = await sharp(ownArray(data), { raw: { width, height, channels: 4 } })
    .negate({ alpha: true })
    .raw()
    .toBuffer();
  return sharp(ownArray(inverted), { raw: { width, height, channels: 4 } })
    .flatten({ background: '#000' })
    .raw()
    .toBuffer({ resolveWithObject: true });
}
