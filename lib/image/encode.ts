import { dirname, extname } from 'node:path';
import type { Sharp } from 'sharp';
import { OnnxCamError } from '../common/errors.ts';
import { ownArray } from '../common/kinds.ts';
import { shown } from '../common/shown.ts';
import { didYouMean } from '../common/suggest.ts';
import { writeFileAtomic } from '../io/atomic-write.ts';
import { makeFolder } from '../io/make-folder.ts';
import { folderError, outputError } from '../io/output-error.ts';
import type { MaskPicture, RawPicture } from './raw-picture.ts';
import { loadSharp } from './sharp.ts';

/**
 * JPEG, WebP and AVIF keep colours at full resolution: halved, the edges of a colour map bleed. PNG and WebP are made
 * quickly: the usual levels cost several times what explaining a picture does, and save a sixth of the bytes.
 */
const ENCODERS = {
  png: (picture: Sharp) => picture.png({ compressionLevel: 1 }),
  jpeg: (picture: Sharp, quality = 92) => picture.jpeg({ quality, chromaSubsampling: '4:4:4' }),
  webp: (picture: Sharp, quality = 92) => picture.webp({ quality, smartSubsample: true, effort: 0 }),
  avif: (picture: Sharp, quality = 75) => picture.avif({ quality, chromaSubsampling: '4:4:4' }),
  tiff: (picture: Sharp) => picture.tiff({ compression: 'lzw' }),
};

/** Those that lose something, and how much is a choice. */
const WITH_QUALITY: readonly PictureFormat[] = ['jpeg', 'webp', 'avif'];

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
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `${path} needs an extension, .${FORMATS.join(', .')} or .jpg, or give \`format\``,
    );
  }
  return checkFormat(extension);
}

/** How a picture is encoded. */
export interface EncodeOptions {
  /** `'png'`, `'jpeg'` (`'jpg'`), `'webp'`, `'avif'` or `'tiff'`; of a file by default what its extension names, else PNG. */
  readonly format?: string | undefined;
  /** Of JPEG, WebP and AVIF: 1 to 100, by default 92 (AVIF: 75). */
  readonly quality?: number | undefined;
}

/** What was chosen. */
export interface Encoding {
  readonly format: PictureFormat;
  readonly quality?: number | undefined;
}

/**
 * @param path of the file that is written, whose extension names the format unless an option does
 * @throws `ERR_OPTION_INVALID` for an unknown format, and a quality that is none or that the format does not have
 */
export function checkEncoding({ format, quality }: EncodeOptions, path?: string): Encoding {
  const chosen =
    format !== undefined ? checkFormat(format) : path !== undefined ? formatOf(path) : ('png' satisfies PictureFormat);
  if (quality === undefined) return { format: chosen };
  if (!Number.isInteger(quality) || quality < 1 || quality > 100)
    throw new OnnxCamError('ERR_OPTION_INVALID', `quality is a whole number from 1 to 100, not ${shown(quality)}`);
  if (!WITH_QUALITY.includes(chosen))
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `${chosen} loses nothing and has no quality; leave \`quality\` out, or take one of ${WITH_QUALITY.join(', ')} as \`format\``,
    );
  return { format: chosen, quality };
}

/**
 * A picture as the bytes of a file.
 * @throws `ERR_OPTION_INVALID` as `checkEncoding`, `ERR_OUTPUT` for a picture that the format cannot hold, `ERR_ADDON` without sharp.
 */
export async function encodeImage(picture: RawPicture | MaskPicture, options: EncodeOptions = {}): Promise<Buffer> {
  const { format, quality } = checkEncoding(options);
  const { data, info } = picture;
  const sharp = await loadSharp();
  try {
    const { width, height, channels } = info;
    const opened = sharp(ownArray(data), { raw: { width, height, channels }, limitInputPixels: false });
    return await ENCODERS[format](channels === 1 ? opened.toColourspace('b-w') : opened, quality).toBuffer();
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
 * Writes a picture in the format that the options or the path's extension name; missing folders are made, and the file appears
 * whole or not at all.
 * @throws `ERR_OPTION_INVALID` as `checkEncoding`, `ERR_OUTPUT` when it cannot be written.
 */
export async function saveImage(path: string, picture: RawPicture, options: EncodeOptions = {}): Promise<void> {
  if (typeof path !== 'string' || path === '') throw outputError(String(path), new Error('expected a path'));
  const bytes = await encodeImage(picture, checkEncoding(options, path));
  const folder = dirname(path);
  await makeFolder(folder).catch(cause => Promise.reject(folderError(folder, cause)));
  await writeFileAtomic(path, bytes);
}

function checkFormat(format: string): PictureFormat {
  const key = String(format).toLowerCase();
  const name = Object.hasOwn(ALIASES, key) ? ALIASES[key]! : key;
  const found = FORMATS.find(known => known === name);
  if (found !== undefined) return found;
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `there is no picture format ${shown(format)}${didYouMean(key, FORMATS)}; known: ${FORMATS.join(', ')}`,
  );
}
