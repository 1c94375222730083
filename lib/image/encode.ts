import { extname } from 'node:path';
import type { Sharp } from 'sharp';
import { OnnxCamError } from '../common/errors.ts';
import { didYouMean } from '../common/suggest.ts';
import { writeFileAtomic } from '../io/atomic-write.ts';
import { outputError } from '../io/output-error.ts';
import type { MaskPicture, RawPicture } from './raw-picture.ts';
import { loadSharp } from './sharp.ts';

/**
 * JPEG, WebP and AVIF keep colours at full resolution: halved, the edges of a colour map bleed. PNG and WebP are made
 * quickly: the usual levels cost several times what explaining a picture does, and save a sixth of the bytes.
 */
const ENCODERS = {
  png: (picture: Sharp) => picture.png({ compressionLevel: 1 }),
  jpeg: (picture: Sharp) => picture.jpeg({ quality: 92, chromaSubsampling: '4:4:4' }),
  webp: (picture: Sharp) => picture.webp({ quality: 92, smartSubsample: true, effort: 0 }),
  avif: (picture: Sharp) => picture.avif({ quality: 75, chromaSubsampling: '4:4:4' }),
  tiff: (picture: Sharp) => picture.tiff({ compression: 'lzw' }),
};

export type PictureFormat = keyof typeof ENCODERS;

const ALIASES: Readonly<Record<string, PictureFormat>> = { jpg: 'jpeg', tif: 'tiff' };
const FORMATS = Object.keys(ENCODERS) as PictureFormat[];

/**
 * The format that a path's extension names.
 * @throws `ERR_OPTION_INVALID` for none or an unknown one.
 */
export function formatOf(path: string): PictureFormat {
  const extension = extname(path).slice(1);
  if (extension === '') {
    throw new OnnxCamError('ERR_OPTION_INVALID', `${path} needs an extension: .${FORMATS.join(', .')} or .jpg`);
  }
  return checkFormat(extension);
}

/**
 * A picture as the bytes of a file.
 * @throws `ERR_OPTION_INVALID` for an unknown format, `ERR_OUTPUT` for a picture that the format cannot hold, `ERR_ADDON` without sharp.
 */
export async function encodeImage(picture: RawPicture | MaskPicture, format = 'png'): Promise<Buffer> {
  const encode = ENCODERS[checkFormat(format)];
  const { data, info } = picture;
  const sharp = await loadSharp();
  try {
    const { width, height, channels } = info;
    const opened = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
    return await encode(channels === 1 ? opened.toColourspace('b-w') : opened).toBuffer();
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0];
    throw new OnnxCamError(
      'ERR_OUTPUT',
      `a picture of ${info.width}x${info.height} cannot be stored as ${format}: ${reason}`,
      { cause },
    );
  }
}

/**
 * Writes a picture in the format that the path's extension names; the file appears whole or not at all.
 * @throws `ERR_OPTION_INVALID` for an unknown extension, `ERR_OUTPUT` when it cannot be written.
 */
export async function saveImage(path: string, picture: RawPicture): Promise<void> {
  if (typeof path !== 'string' || path === '') throw outputError(String(path), new Error('expected a path'));
  await writeFileAtomic(path, await encodeImage(picture, formatOf(path)));
}

function checkFormat(format: string): PictureFormat {
  const key = String(format).toLowerCase();
  const name = Object.hasOwn(ALIASES, key) ? ALIASES[key]! : key;
  const found = FORMATS.find(known => known === name);
  if (found !== undefined) return found;
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `there is no picture format '${format}'${didYouMean(key, FORMATS)}; known: ${FORMATS.join(', ')}`,
  );
}
