/** Of TIFF 6.0 (section 21: YCbCr images; section 19: formats of samples). */
const TAGS = {
  bits: 258,
  compression: 259,
  photometric: 262,
  format: 339,
  coefficients: 529,
  subsampling: 530,
  reference: 532,
} as const;
const YCBCR = 6;
/** libtiff turns YCbCr in JPEG streams into RGB itself. */
const JPEG = [6, 7];
/** Bytes of a tag's values, by type. */
const SIZES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 5: 8, 16: 8 };

/**
 * True for a TIFF file whose stored samples are YCbCr, which libvips hands out as if they were RGB.
 * @throws Error for kinds of YCbCr other than full-range ITU-R 601 at full resolution
 */
export function holdsYcbcr(bytes: Uint8Array): boolean {
  const tags = new FirstDirectory(bytes);
  if (tags.values(TAGS.photometric)?.[0] !== YCBCR || JPEG.includes(tags.values(TAGS.compression)?.[0] ?? 1))
    return false;
  const subsampling = tags.values(TAGS.subsampling) ?? [2, 2];
  const coefficients = tags.values(TAGS.coefficients) ?? [0.299, 0.587, 0.114];
  const reference = tags.values(TAGS.reference) ?? [0, 255, 128, 255, 128, 255];
  const plain =
    subsampling.every(step => step === 1) &&
    near(coefficients, [0.299, 0.587, 0.114]) &&
    near(reference, [0, 255, 128, 255, 128, 255]);
  if (plain) return true;
  throw new Error(
    'its colours are YCbCr of a kind that is not read (subsampled, or with coefficients or a range of its own); ' +
      'save it as an RGB TIFF or a PNG',
  );
}

/** By its first bytes: the order of bytes, then 42, or 43 where offsets have 8 bytes. */
export function isTiff([a, b, c, d]: Uint8Array): boolean {
  return a === b && ((a === 0x49 && (c === 42 || c === 43)) || (a === 0x4d && (d === 42 || d === 43)));
}

const FLOAT = 3;

/** @throws Error for floats of other than 32 bits, which libvips refuses or, of 16, makes something else of */
export function refuseFloats(bytes: Uint8Array): void {
  const tags = new FirstDirectory(bytes);
  const bits = tags.values(TAGS.bits)?.[0];
  if (tags.values(TAGS.format)?.[0] === FLOAT && bits !== 32)
    throw new Error(`its values are floats of ${bits} bits, which are not read; save them as floats of 32 bits`);
}

/** Red, green and blue of Y, Cb and Cr, for sharp's `recomb` and `linear` (which cuts fractions off): ITU-R 601 as in JFIF. */
export const YCBCR_TO_RGB = {
  matrix: [
    [1, 0, 1.402],
    [1, -0.344136, -0.714136],
    [1, 1.772, 0],
  ],
  offset: [-1.402 * 128 + 0.5, (0.344136 + 0.714136) * 128 + 0.5, -1.772 * 128 + 0.5],
} as const;

const near = (values: readonly number[], expected: readonly number[]): boolean =>
  values.length === expected.length && values.every((value, i) => Math.abs(value - expected[i]!) < 2e-3);

/** The tags of a TIFF file's first page. */
class FirstDirectory {
  readonly #view: DataView;
  readonly #little: boolean;
  /** BigTIFF: offsets of 8 bytes. */
  readonly #big: boolean;
  readonly #entries = new Map<number, number>();

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = bytes[0] === 0x49;
    this.#big = this.#number(2, 2) === 43;
    const word = this.#big ? 8 : 4;
    const start = this.#number(this.#big ? 8 : 4, word);
    const head = this.#big ? 8 : 2;
    const length = this.#big ? 20 : 12;
    const count = Math.min(this.#number(start, head), 65_535);
    for (let i = 0; i < count; i++) {
      const at = start + head + i * length;
      if (at + length > bytes.byteLength) break;
      this.#entries.set(this.#number(at, 2), at);
    }
  }

  /** Of whole numbers and fractions; undefined where the tag is missing or cut off. */
  values(tag: number): number[] | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    const word = this.#big ? 8 : 4;
    const type = this.#number(entry + 2, 2);
    const size = SIZES[type];
    const count = Math.min(this.#number(entry + 4, word), 16);
    if (!size || count === 0) return undefined;
    const inside = entry + 4 + word;
    const start = size * count <= word ? inside : this.#number(inside, word);
    const one = (at: number) => (type === 5 ? this.#number(at, 4) / this.#number(at + 4, 4) : this.#number(at, size));
    return Array.from({ length: count }, (_, i) => one(start + i * size));
  }

  /** NaN outside the file. */
  #number(at: number, size: number): number {
    if (!(at >= 0 && at + size <= this.#view.byteLength)) return Number.NaN;
    switch (size) {
      case 1:
        return this.#view.getUint8(at);
      case 2:
        return this.#view.getUint16(at, this.#little);
      case 4:
        return this.#view.getUint32(at, this.#little);
      default:
        return Number(this.#view.getBigUint64(at, this.#little));
    }
  }
}
