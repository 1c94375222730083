import type { Plane } from './plane.ts';

/** RGB pixels in sharp's raw shape: `sharp(picture.data, { raw: picture.info })` takes them as they are. */
export interface RawPicture {
  /** Row-major HWC, 8 bits per channel. */
  readonly data: Uint8Array;
  /** Pixels, and channels per pixel. */
  readonly info: { readonly width: number; readonly height: number; readonly channels: 3 };
}

/** What is inside (255) and what is not (0), in sharp's raw shape. */
export interface MaskPicture {
  /** Row-major, 255 inside, 0 outside. */
  readonly data: Uint8Array;
  /** Pixels, and channels per pixel. */
  readonly info: { readonly width: number; readonly height: number; readonly channels: 1 };
}

/** A picture for drawing on. */
export interface LentPicture {
  readonly picture: RawPicture;
  /** Nobody else reads it: its pixels may be overwritten. */
  readonly spare: boolean;
}

/** What is wanted of the original picture. */
export interface PictureView extends Plane {
  /** At its own size, though maps and overlays have another. */
  readonly ownSize?: boolean;
}

export function rawPicture(data: Uint8Array, width: number, height: number): RawPicture {
  return { data, info: { width, height, channels: 3 } };
}
