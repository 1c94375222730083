/** RGB pixels in sharp's raw shape: `sharp(picture.data, { raw: picture.info })` takes them as they are. */
export interface RawPicture {
  /** Row-major HWC, 8 bits per channel. */
  readonly data: Uint8Array;
  readonly info: { readonly width: number; readonly height: number; readonly channels: 3 };
}

/** A picture for drawing on. */
export interface LentPicture {
  readonly picture: RawPicture;
  /** Nobody else reads it: its pixels may be overwritten. */
  readonly spare: boolean;
}

export function rawPicture(data: Uint8Array, width: number, height: number): RawPicture {
  return { data, info: { width, height, channels: 3 } };
}
