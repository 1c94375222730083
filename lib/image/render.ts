import { OnnxCamError } from '../common/errors.ts';
import { colorize, overlay } from '../kernels/index.ts';
import { type ColormapName, colormapTable } from './colormap.ts';
import { type RawPicture, rawPicture } from './raw-picture.ts';

export interface RenderOptions {
  /** `'jet'` by default: red is important. */
  readonly colormap?: ColormapName | undefined;
  /** Share of the colours in an overlay, 0..1; 0.5 by default. */
  readonly alpha?: number | undefined;
}

interface MapPixels {
  /** Row-major, in [0, 1]. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** @throws `ERR_OPTION_INVALID` */
export function checkAlpha(alpha: unknown): void {
  if (alpha === undefined || (typeof alpha === 'number' && alpha >= 0 && alpha <= 1)) return;
  throw new OnnxCamError('ERR_OPTION_INVALID', `alpha needs a number from 0 to 1, got ${String(alpha)}`);
}

/**
 * A map in colour.
 * @throws `ERR_OPTION_INVALID` for an unknown colour map.
 */
export async function renderHeatmap(map: MapPixels, options: RenderOptions = {}): Promise<RawPicture> {
  const table = colormapTable(options.colormap ?? 'jet');
  return rawPicture(await colorize(map, table), map.width, map.height);
}

/**
 * A map in colour over the picture that it explains: alpha · colour + (1 − alpha) · picture for every pixel, whatever the
 * picture's brightness.
 * @param options `spare`: nobody else reads the picture, so that it is drawn over its own pixels
 * @throws `ERR_OPTION_INVALID` for an unknown colour map or an alpha outside 0..1, `ERR_INPUT_SHAPE` when picture and map
 * differ in size.
 */
export async function renderOverlay(
  picture: RawPicture,
  map: MapPixels,
  options: RenderOptions & { readonly spare?: boolean } = {},
): Promise<RawPicture> {
  const table = colormapTable(options.colormap ?? 'jet');
  const alpha = options.alpha ?? 0.5;
  checkAlpha(alpha);
  const { width, height } = picture.info;
  if (width !== map.width || height !== map.height) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `the map is ${map.width}x${map.height}, the picture under it ${width}x${height}; they need the same size`,
    );
  }
  return rawPicture(
    await overlay(picture, map, table, alpha, { out: options.spare ? picture.data : undefined }),
    width,
    height,
  );
}
