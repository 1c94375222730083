import { checkOneOf, invalid } from '../common/checks.ts';
import { OnnxCamError } from '../common/errors.ts';
import { shown } from '../common/shown.ts';
import type { Size } from './geometry.ts';

export const DECODE_MODES = ['exact', 'fast'] as const;
/**
 * 'exact': the pixels that Pillow gives; 'fast': at the smallest scale that suffices.
 * @useDeclaredType
 */
export type DecodeMode = (typeof DECODE_MODES)[number];

/** How pictures are decoded; as options of `load`. */
export interface DecodeOptions {
  /**
   * As sharp's: pictures of more pixels (width · height) are refused before they are decoded. `true`, as nothing, is sharp's
   * own limit of 268,402,689; `false` or 0 is none.
   */
  readonly limitInputPixels?: number | boolean | undefined;
  /**
   * 'exact' (default): the pixels that Pillow gives. 'fast': a JPEG is decoded at 1/2, 1/4 or 1/8, a WebP at any scale, the
   * smallest that suffices for the model's input (through sharp), where it is at least three times as large. That takes less
   * time and memory; the pixels are nearly the same (docs/speed.md#decoding), and maps and overlays have the picture's size.
   */
  readonly decode?: DecodeMode | undefined;
}

/** sharp's own: (2¹⁴ − 1)² */
const DEFAULT_LIMIT = 268_402_689;

/** @throws `ERR_OPTION_INVALID` */
export function checkDecodeOptions({ limitInputPixels: limit, decode }: DecodeOptions): void {
  checkOneOf('decode', decode, DECODE_MODES);
  if (limit === undefined || typeof limit === 'boolean' || (Number.isSafeInteger(limit) && limit >= 0)) return;
  throw invalid(`\`limitInputPixels\` must be a whole number of pixels, or false for no limit, not ${shown(limit)}`);
}

/** @throws `ERR_IMAGE_INVALID` for a picture of more pixels, whatever it is encoded as */
export function checkPixels(name: string, { width, height }: Size, limit: number | boolean = true): void {
  const most = limit === true ? DEFAULT_LIMIT : limit;
  if (most === false || most === 0 || width * height <= most) return;
  throw new OnnxCamError(
    'ERR_IMAGE_INVALID',
    `${name} has ${width}x${height} pixels, more than the ${most} that \`limitInputPixels\` allows; scale it down first, ` +
      'or load the model with a higher limit',
  );
}
