import { availableParallelism } from 'node:os';
import type { Matrix3x3, Sharp, SharpOptions } from 'sharp';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { isUint8Array, isUint16Array, ownArray } from '../common/kinds.ts';
import { Turns } from '../common/turns.ts';
import { isMissing, readRegular } from '../io/regular-file.ts';
import { bitmapSize, decodeBitmap, isBitmap } from './bitmap.ts';
import { rgbOfCmyk } from './cmyk.ts';
import { checkPixels, type DecodeOptions } from './decode-options.ts';
import { type DeepRgb, type Depth, depthOf } from './depth.ts';
import type { Size } from './geometry.ts';
import { depthOfRaw, type RawData, type RawPixels, spreadRaw } from './raw-pixels.ts';
import { loadSharp } from './sharp.ts';
import { type DetectedSource, describeSource, detectSource, type ImageSource } from './source.ts';
import { holdsYcbcr, isTiff, refuseFloats, YCBCR_TO_RGB } from './tiff-colours.ts';

/** A decoded picture, upright: row-major RGB, 8 bits per channel ([height, width, 3]). */
export interface RgbImage extends Size {
  readonly data: Uint8Array;
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

/** How many times as large a picture must be: below, libvips takes all pixels of a JPEG, since it stays above the size asked for. */
const LEAST_SHRINK = 3;

/**
 * One core stays free for the event loop, which otherwise waits for a time slice of a decoder; but of two cores one decoder cannot keep
 * the other busy where decoding takes longer than the network.
 */
const decoders = new Turns(Math.max(2, availableParallelism() - 1));

/**
 * Opens a picture: reads the file, and of its content the head.
 * @param input what is given as bytes or raw pixels must not change until the last `decode` settles, or until `keep`
 * @throws `ERR_IMAGE_NOT_FOUND` when the file is missing; `ERR_IMAGE_INVALID` when it is no picture or has more pixels than
 * the limit; `ERR_ADDON` without sharp; `ERR_ABORTED`.
 */
export async function openPicture(
  input: ImageSource | DetectedSource,
  options: Pick<DecodeOptions, 'limitInputPixels'> & { readonly signal?: AbortSignal } = {},
): Promise<OpenPicture> {
  const source = isDetected(input) ? input : detectSource(input);
  const { limitInputPixels, signal } = options;
  throwIfAborted(signal);
  const name = describeSource(source);
  if (source.kind === 'tensor')
    throw new OnnxCamError('ERR_IMAGE_INVALID', `expected a picture, got ${name}: tensors are not decoded`);
  if (source.kind === 'raw') {
    const { data, width, height, channels } = source;
    checkPixels(name, { width, height }, limitInputPixels);
    const options = { limitInputPixels, raw: { width, height, channels } };
    return new OpenPicture(name, { width, height }, data, options, { depth: depthOfRaw(source), channels });
  }
  const bytes = await bytesOf(source, signal);
  if (bytes.byteLength === 0) throw undecodable(name, new Error('it is empty'));
  throwIfAborted(signal);
  if (isBitmap(bytes)) return openBitmap(name, bytes, limitInputPixels, signal);
  if (isTiff(bytes)) attempt(name, () => refuseFloats(bytes));
  const sharp = await loadSharp();
  const { autoOrient, space, format, depth } = await sharp(ownArray(bytes), { ...OPTIONS, limitInputPixels: false })
    .metadata()
    .catch(cause => Promise.reject(undecodable(name, isHeic(bytes) ? new Error(NO_HEIC, { cause }) : cause)));
  checkPixels(name, autoOrient, limitInputPixels);
  // Only to get from Lab to RGB a colour profile is needed.
  const ignoreIcc = space !== 'lab';
  return new OpenPicture(
    name,
    autoOrient,
    bytes,
    { limitInputPixels, ignoreIcc },
    {
      scales: format === 'jpeg' || format === 'webp',
      isYcbcr: format === 'tiff' && attempt(name, () => holdsYcbcr(bytes)),
      isCmyk: space === 'cmyk',
      depth: depthOf(depth, space),
    },
  );
}

function bytesOf(
  source: Exclude<DetectedSource, { kind: 'raw' | 'tensor' }>,
  signal: AbortSignal | undefined,
): Uint8Array | Promise<Uint8Array> {
  if (source.kind === 'file') return readPicture(source.path);
  return source.kind === 'body' ? source.body.read(signal) : source.bytes;
}

const NO_HEIC =
  'it is HEIC, which is read only where libvips has a decoder for HEVC (that of the sharp package has none); save it as JPEG';

/** By the brands in the first box of the file; AVIF has others. */
function isHeic(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(64, bytes.byteLength)).toString('latin1');
  return head.slice(4, 8) === 'ftyp' && /hei[cxms]|hev[cxms]/.test(head.slice(8));
}

/** libvips reads no BMP. */
async function openBitmap(
  name: string,
  bytes: Uint8Array,
  limitInputPixels: number | boolean | undefined,
  signal: AbortSignal | undefined,
): Promise<OpenPicture> {
  const size = attempt(name, () => bitmapSize(bytes));
  checkPixels(name, size, limitInputPixels);
  const { data, width, height } = await decoders
    .take(() => decodeBitmap(bytes, signal), signal)
    .catch(cause => Promise.reject(cause instanceof OnnxCamError ? cause : undecodable(name, cause)));
  return new OpenPicture(name, { width, height }, data, {
    limitInputPixels,
    raw: { width, height, channels: 4 },
  });
}

function attempt<T>(name: string, task: () => T): T {
  try {
    return task();
  } catch (cause) {
    throw undecodable(name, cause as Error);
  }
}

/** What is known of encoded pixels. */
interface Encoding {
  /** Its decoder can leave pixels out: JPEG at 1/2, 1/4 and 1/8, WebP at any scale. */
  readonly scales?: boolean;
  readonly isYcbcr?: boolean;
  readonly isCmyk?: boolean;
  /** undefined: 8 bits, or what becomes 8 bits. */
  readonly depth?: Depth;
  /** Of raw pixels. */
  readonly channels?: RawPixels['channels'];
}

/** A picture whose size is known, not yet its pixels; they can be had more than once. */
export class OpenPicture implements Size {
  /** Upright. */
  readonly width: number;
  readonly height: number;
  /** The path, or what the input was ("<raw 640x480x3>"). */
  readonly source: string;
  /** Of pictures of more than 8 bits a channel. */
  readonly depth: Depth | undefined;
  readonly #scales: boolean;
  readonly #isYcbcr: boolean;
  readonly #isCmyk: boolean;
  readonly #channels: RawPixels['channels'] | undefined;
  readonly #options: SharpOptions;
  #bytes: RawData;

  constructor(
    source: string,
    { width, height }: Size,
    bytes: RawData,
    options: SharpOptions,
    { scales = false, isYcbcr = false, isCmyk = false, depth, channels }: Encoding = {},
  ) {
    this.source = source;
    this.width = width;
    this.height = height;
    this.#bytes = bytes;
    this.#options = { ...OPTIONS, ...options };
    this.#scales = scales;
    this.#isYcbcr = isYcbcr;
    this.#isCmyk = isCmyk;
    this.#channels = channels;
    this.depth = depth;
  }

  /**
   * Upright 8-bit RGB, decoded off the event loop (sharp's threads).
   *
   * The pixels are what `ImageOps.exif_transpose(Image.open(f)).convert('RGB')` of PIL gives, because that is what models
   * are trained on: alpha is dropped, not blended; palettes are expanded; grey is repeated; the first frame of an animation
   * is taken; an embedded colour profile is ignored, also that of CMYK. Unlike PIL, 16-bit values are scaled to 8 bits (PIL
   * clips some of them; `decodeDeep` keeps them).
   * @throws `ERR_IMAGE_INVALID` when it is damaged or truncated; `ERR_ABORTED`
   */
  decode(signal?: AbortSignal): Promise<RgbImage> {
    return this.#decode(() => this.#open(), signal);
  }

  /**
   * The pixels at a smaller size, if they can be had for less: JPEG and WebP are decoded at a smaller scale, and an
   * antialiased filter does the rest. undefined where there is nothing to gain.
   * @throws as `decode`
   */
  decodeSmall(
    { width, height }: Size,
    kernel: 'linear' | 'cubic',
    signal?: AbortSignal,
  ): Promise<RgbImage> | undefined {
    const shrink = Math.min(this.width / width, this.height / height);
    if (!this.#scales || shrink < LEAST_SHRINK) return undefined;
    return this.#decode(async () => (await this.#open()).resize(width, height, { fit: 'fill', kernel }), signal);
  }

  /**
   * The pixels of a picture that has a `depth`, in its own units, with nothing scaled or cut off.
   * @throws as `decode`
   */
  decodeDeep(depth: Depth, signal?: AbortSignal): Promise<DeepRgb> {
    const { space, raw, zero } = depth;
    const { width, height } = this;
    if (this.#channels !== undefined && !isUint16Array(this.#bytes))
      return spreadRaw({ data: this.#bytes, width, height, channels: this.#channels }, depth, signal);
    return this.#decoding(async () => {
      // sharp takes 16-bit values for unsigned ones.
      const pixels = async () => {
        const opened = await this.#open();
        const shifted = zero === 0 ? opened : opened.linear(1, zero);
        return shifted.removeAlpha().toColourspace(space).raw({ depth: raw }).toBuffer({ resolveWithObject: true });
      };
      const { data, info } = await decoders.take(pixels, signal);
      checkRgb(info.channels);
      const Values = raw === 'float' ? Float32Array : Float64Array;
      const aligned = data.byteOffset % Values.BYTES_PER_ELEMENT === 0 ? data : Uint8Array.from(data);
      const values = new Values(
        aligned.buffer as ArrayBuffer,
        aligned.byteOffset,
        data.length / Values.BYTES_PER_ELEMENT,
      );
      return { data: values, width: info.width, height: info.height };
    }, signal);
  }

  /** Copies what is the caller's, so that it can be decoded when the caller has it back. */
  keep(): void {
    // A Buffer's own `slice` is a view.
    this.#bytes = isUint8Array(this.#bytes) ? Uint8Array.from(this.#bytes) : this.#bytes.slice();
  }

  async #open(): Promise<Sharp> {
    const sharp = await loadSharp();
    const opened = sharp(ownArray(this.#bytes), this.#options);
    if (!this.#isYcbcr) return opened;
    const { matrix, offset } = YCBCR_TO_RGB;
    return opened.recomb(matrix.map(row => [...row]) as Matrix3x3).linear([1, 1, 1], [...offset]);
  }

  #decode(pipeline: () => Promise<Sharp>, signal: AbortSignal | undefined): Promise<RgbImage> {
    return this.#decoding(async () => {
      const raw = (image: Sharp) => image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
      const pixels = async () => {
        const opened = await pipeline();
        if (this.#isCmyk) return rgbOfCmyk(await raw(opened.pipelineColourspace('cmyk').toColourspace('cmyk')));
        return raw(opened.removeAlpha().toColourspace('srgb'));
      };
      const { data, info } = await decoders.take(pixels, signal);
      checkRgb(info.channels);
      return { data, width: info.width, height: info.height };
    }, signal);
  }

  async #decoding<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      const made = await task();
      throwIfAborted(signal);
      return made;
    } catch (cause) {
      if (cause instanceof OnnxCamError) throw cause;
      throw undecodable(this.source, cause as Error);
    }
  }
}

function checkRgb(channels: number): void {
  if (channels !== 3) throw new Error(`it has ${channels} channels after conversion to RGB`);
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
    ? '; expected JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or SVG' +
      (name.startsWith('<') ? ', or raw pixels as { data, info: { width, height, channels } }' : '')
    : '';
  return new OnnxCamError('ERR_IMAGE_INVALID', `${name} cannot be decoded: ${reason}${hint}`, { cause });
}

function isDetected(input: ImageSource | DetectedSource): input is DetectedSource {
  return typeof input === 'object' && input !== null && 'kind' in input;
}
