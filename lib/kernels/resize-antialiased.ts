import { addon } from '../engine/addon.ts';
import { OnnxCamError } from '../errors.ts';

/** Interleaved RGB pixels, 8 bits each: [height, width, 3]. */
export interface RgbPixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface ResizeAntialiasedOptions {
  /** Size of the whole result. */
  readonly width: number;
  readonly height: number;
  readonly interpolation: 'bilinear' | 'bicubic' | 'nearest';
  /** The part of the result that is wanted; all of it by default. */
  readonly window?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

interface PictureAddon {
  resizeAntialiased(
    picture: Uint8Array,
    width: number,
    height: number,
    toWidth: number,
    toHeight: number,
    x: number,
    y: number,
    windowWidth: number,
    windowHeight: number,
    filter: number,
    out: Uint8Array,
  ): Promise<void>;
}

/** As `PictureFilter` in native/kernels/resize_antialiased.hpp. */
const FILTERS = { bilinear: 0, bicubic: 1, nearest: 2 } as const;

/**
 * Resizes an RGB picture to the bit as Pillow does: antialiased when shrinking (bilinear, bicubic), or nearest.
 * `picture.data` must not change until the promise settles.
 * @throws `ERR_INPUT_SHAPE` when data, sizes and window do not fit together.
 */
export async function resizeAntialiased(picture: RgbPixels, options: ResizeAntialiasedOptions): Promise<RgbPixels> {
  const { width, height, interpolation } = options;
  const window = options.window ?? { x: 0, y: 0, width, height };
  const numbers = [picture.width, picture.height, width, height, window.x, window.y, window.width, window.height];
  if (
    !numbers.every(number => Number.isSafeInteger(number) && number >= 0) ||
    Math.min(picture.width, picture.height, window.width, window.height) < 1 ||
    picture.data.length !== picture.width * picture.height * 3 ||
    window.x + window.width > width ||
    window.y + window.height > height
  ) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `cannot resize ${picture.data.length} bytes as ${picture.width}x${picture.height} RGB pixels to ${width}x${height}, ` +
        `window ${window.width}x${window.height}+${window.x}+${window.y}`,
    );
  }
  const out = new Uint8Array(window.width * window.height * 3);
  await addon<PictureAddon>().resizeAntialiased(
    picture.data,
    picture.width,
    picture.height,
    width,
    height,
    window.x,
    window.y,
    window.width,
    window.height,
    FILTERS[interpolation],
    out,
  );
  return { data: out, width: window.width, height: window.height };
}
