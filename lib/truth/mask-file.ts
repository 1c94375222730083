import { checkPixels } from '../image/decode-options.ts';
import { loadSharp, type SharpModule } from '../image/sharp.ts';
import { openInside } from '../io/inside-folder.ts';
import { readWhole } from '../io/regular-file.ts';
import { invalidTruth } from './error.ts';
import type { TruthMask } from './truth.ts';

/** Bytes of a mask's file. */
const LARGEST = 2 ** 28;

/** A mask, and whether 255 was taken for its object. */
export interface ReadMask {
  readonly mask: TruthMask;
  readonly whiteIsObject: boolean;
}

/**
 * Reads a mask: 0 is background, 255 takes no part, every other value the object, whichever of several it is. A mask of 0 and 255
 * alone is black and white: there 255 is the object. Of files with a palette the numbers of its colours count, as of PASCAL VOC.
 * @throws `ERR_TRUTH_INVALID`; `ERR_ADDON` without sharp
 */
export async function readMaskFile(folder: string, path: string): Promise<ReadMask> {
  const sharp = await loadSharp();
  try {
    const bytes = await readWhole(await openInside(folder, path), LARGEST);
    return await decodeMask(sharp, bytes, path);
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_TRUTH_INVALID') throw cause;
    throw invalidTruth(path, `the mask cannot be read: ${(cause as Error).message}`, cause);
  }
}

async function decodeMask(sharp: SharpModule, bytes: Uint8Array, path: string): Promise<ReadMask> {
  const { width, height, depth, isPalette, space } = await sharp(bytes, { limitInputPixels: false }).metadata();
  checkPixels(path, { width, height });
  const isDeep = depth === 'ushort';
  const source = sharp(bytes, { ignoreIcc: true }).removeAlpha();
  if (isDeep) source.toColourspace(space === 'rgb16' ? 'rgb16' : 'grey16');
  const { data, info } = await source.raw({ depth: isDeep ? 'ushort' : 'uchar' }).toBuffer({ resolveWithObject: true });
  const values = isDeep ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  // Numbers of colours: where libvips has looked them up they are looked up backwards.
  const numbers = isPalette ? paletteNumbers(bytes) : undefined;
  const flat = info.channels === 1 ? values : oneChannel(values, info.channels, numbers ?? VOC, path);
  return { ...classified(flat, { width: info.width, height: info.height }, numbers ? -1 : 65535) };
}

/** @param deepest the value of 16 bits that takes no part either */
function classified(values: ArrayLike<number>, size: { width: number; height: number }, deepest: number): ReadMask {
  const data = new Uint8Array(values.length);
  let [objects, others] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const value = values[i]!;
    if (value === 0) continue;
    const isOther = value === 255 || value === deepest;
    data[i] = isOther ? 255 : 1;
    if (isOther) others++;
    else objects++;
  }
  const whiteIsObject = objects === 0 && others > 0;
  if (whiteIsObject) for (let i = 0; i < data.length; i++) if (data[i] === 255) data[i] = 1;
  return { mask: { data, ...size }, whiteIsObject };
}

/** Greys by their value, colours by their number. */
function oneChannel(
  values: ArrayLike<number>,
  channels: number,
  numbers: ReadonlyMap<number, number>,
  path: string,
): Uint16Array {
  const flat = new Uint16Array(values.length / channels);
  let isGrey = numbers === VOC;
  for (let i = 0; isGrey && i < flat.length; i++)
    isGrey = values[i * channels] === values[i * channels + 1] && values[i * channels] === values[i * channels + 2];
  for (let i = 0; i < flat.length; i++) {
    const [r, g, b] = [values[i * channels]!, values[i * channels + 1]!, values[i * channels + 2]!];
    const number = isGrey ? r : numbers.get((r << 16) | (g << 8) | b);
    if (number === undefined)
      throw invalidTruth(
        path,
        `the colour ${r},${g},${b} is none of VOC's; expected a mask of one channel or with a palette`,
      );
    flat[i] = number;
  }
  return flat;
}

/** The colours of a PNG's palette, by their numbers; of equal ones the first. Its chunks were read by libvips before. */
function paletteNumbers(bytes: Uint8Array): Map<number, number> | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    if (file.toString('latin1', at + 4, at + 8) === 'PLTE') {
      const numbers = new Map<number, number>();
      for (let i = 0; i + 3 <= length && at + 11 + i <= file.length; i += 3) {
        const colour = file.readUIntBE(at + 8 + i, 3);
        if (!numbers.has(colour)) numbers.set(colour, i / 3);
      }
      return numbers;
    }
    at += 12 + length;
  }
  return undefined;
}

/** The colours of PASCAL VOC: bits of the number, three at a time, from the highest bit of each channel down. */
const VOC: ReadonlyMap<number, number> = new Map(
  Array.from({ length: 256 }, (_, number) => {
    const channel = (c: number) => {
      let value = 0;
      for (let bit = 0; bit < 3; bit++) value |= ((number >> (3 * bit + c)) & 1) << (7 - bit);
      return value;
    };
    return [(channel(0) << 16) | (channel(1) << 8) | channel(2), number] as const;
  }),
);
