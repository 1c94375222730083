import { availableParallelism } from 'node:os';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { Turns } from '../common/turns.ts';
import { isMissing, readRegular } from '../io/regular-file.ts';
import { type DetectedSource, describeSource, detectSource, type ImageSource } from './source.ts';

/** A decoded picture, upright: row-major RGB, 8 bits per channel ([height, width, 3]). */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** The path, or what the input was ("<raw 640x480x3>"). */
  readonly source: string;
}

const OPTIONS: SharpOptions = {
  // Libraries that warn about harmless leftovers (extraneous bytes, odd metadata) should not fail a picture that every
  // viewer shows; missing or broken pixel data should.
  failOn: 'error',
  // EXIF orientation, also the mirrored ones.
  autoOrient: true,
};

/** Bytes: what one buffer holds. */
const LARGEST_FILE = 2 ** 31 - 1;

/** One core stays free for the event loop, which otherwise waits for a time slice of a decoder. */
const decoders = new Turns(Math.max(1, availableParallelism() - 1));

/**
 * Decodes a picture to upright 8-bit RGB, off the event loop (sharp's threads).
 *
 * The pixels are what `ImageOps.exif_transpose(Image.open(f)).convert('RGB')` of PIL gives, because that is what models
 * are trained on: alpha is dropped, not blended; palettes are expanded; grey is repeated; the first frame of an animation
 * is taken; an embedded RGB colour profile is ignored. Unlike PIL, 16-bit values are scaled to 8 bits (PIL clips some of
 * them) and CMYK is converted through its colour profile.
 *
 * The input's bytes must not change until the promise settles; afterwards they are no longer used.
 *
 * @throws `ERR_IMAGE_NOT_FOUND` when the file is missing; `ERR_IMAGE_INVALID` when it is no picture, is damaged or
 * truncated, or has more pixels than sharp's limit; `ERR_ABORTED`.
 */
export async function decodeImage(
  input: ImageSource | DetectedSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<RgbImage> {
  const source = isDetected(input) ? input : detectSource(input);
  throwIfAborted(options.signal);
  const name = describeSource(source);
  const open = await opener(source, name);
  throwIfAborted(options.signal);
  try {
    const pixels = () =>
      open().removeAlpha().toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const { data, info } = await decoders.take(pixels, options.signal);
    throwIfAborted(options.signal);
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels after conversion to RGB`);
    return { data, width: info.width, height: info.height, source: name };
  } catch (cause) {
    if (cause instanceof OnnxCamError) throw cause;
    throw undecodable(name, cause as Error);
  }
}

/** Makes the sharp pipeline that reads the source. */
async function opener(source: DetectedSource, name: string): Promise<() => Sharp> {
  switch (source.kind) {
    case 'raw': {
      const { data, width, height, channels } = source;
      return () => sharp(data, { ...OPTIONS, raw: { width, height, channels } });
    }
    case 'encoded':
    case 'file': {
      const bytes = source.kind === 'file' ? await readPicture(source.path) : source.bytes;
      if (bytes.byteLength === 0) throw undecodable(name, new Error('it is empty'));
      const ignoreIcc = await hasRgbPixels(bytes, name);
      return () => sharp(bytes, { ...OPTIONS, ignoreIcc });
    }
    case 'tensor':
      throw new OnnxCamError('ERR_IMAGE_INVALID', `expected a picture, got ${name}: tensors are not decoded`);
  }
}

/** Whether the stored pixels are RGB or grey already, so that a colour profile is not needed to get there. */
async function hasRgbPixels(bytes: Uint8Array, name: string): Promise<boolean> {
  try {
    const { space } = await sharp(bytes, OPTIONS).metadata();
    return space !== 'cmyk' && space !== 'lab';
  } catch (cause) {
    throw undecodable(name, cause as Error);
  }
}

/**
 * The bytes of a file. sharp is given bytes, not the path, since libvips keeps a cache of files by name that would give
 * the old pixels when a file is overwritten.
 */
async function readPicture(path: string): Promise<Uint8Array> {
  try {
    return await readRegular(path, LARGEST_FILE);
  } catch (cause) {
    if (isMissing(cause)) {
      throw new OnnxCamError('ERR_IMAGE_NOT_FOUND', `no picture at ${path}: the file does not exist`, { cause });
    }
    throw new OnnxCamError('ERR_IMAGE_INVALID', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function undecodable(name: string, cause: Error): OnnxCamError {
  const reason = cause.message.split('\n')[0];
  const hint = /unsupported image format/i.test(cause.message)
    ? '; expected JPEG, PNG, WebP, GIF, TIFF, AVIF or SVG' +
      (name.startsWith('<') ? ', or raw pixels as { data, info: { width, height, channels } }' : '')
    : /pixel limit/i.test(cause.message)
      ? '; scale it down first'
      : '';
  return new OnnxCamError('ERR_IMAGE_INVALID', `${name} cannot be decoded: ${reason}${hint}`, { cause });
}

function isDetected(input: ImageSource | DetectedSource): input is DetectedSource {
  return typeof input === 'object' && input !== null && 'kind' in input;
}
