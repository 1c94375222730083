import type { SmallPicture } from '../../lib/report/payload.ts';
import { fromBase64 } from './base64.ts';

/** RGBA pixels. */
export type Pixels = ImageData;

/** Decoded pictures: half a megabyte each at full size. */
const MOST_KEPT = 64;
const kept = new Map<string, Promise<Pixels>>();

/** A picture at a size, decoded once as long as it is looked at. @param key of the photograph */
export function pixelsOf(key: string, picture: SmallPicture, width: number, height: number): Promise<Pixels> {
  const place = `${key} ${width}x${height}`;
  const found = kept.get(place) ?? decode(picture, width, height);
  // The last one used is the last one to go.
  kept.delete(place);
  kept.set(place, found);
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    kept.delete(oldest);
  }
  return found;
}

async function decode({ type, data, width, height }: SmallPicture, toWidth: number, toHeight: number): Promise<Pixels> {
  const blob = new Blob([fromBase64(data)], { type });
  const resize = { resizeWidth: toWidth, resizeHeight: toHeight, resizeQuality: 'high' as const };
  const bitmap = await createImageBitmap(blob, width === toWidth && height === toHeight ? {} : resize);
  const context = new OffscreenCanvas(toWidth, toHeight).getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, toWidth, toHeight);
}

/** What stands in the place of a picture that is gone. */
export function grey(width: number, height: number): Pixels {
  const pixels = new ImageData(width, height);
  pixels.data.fill(128);
  for (let i = 3; i < pixels.data.length; i += 4) pixels.data[i] = 255;
  return pixels;
}
