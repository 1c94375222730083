import type { Size } from './geometry.ts';

/** An upright picture of more than 8 bits a channel: row-major RGB [height, width, 3]. */
export interface DeepRgb extends Size {
  /** In the picture's own units, moved by `Depth.zero`. */
  readonly data: Float32Array | Float64Array;
}

/** How a picture of more than 8 bits a channel is decoded. */
export interface Depth {
  /** 16-bit, 32-bit, float: for messages. */
  readonly kind: string;
  /** The largest value of its type; 1 for floats. */
  readonly largest: number;
  /** libvips' space in which the values stay what they are. */
  readonly space: 'rgb16' | 'srgb' | 'scrgb';
  /** What the values fit into. */
  readonly raw: 'float' | 'double';
  /** What a stored 0 is decoded as. */
  readonly zero: number;
  /** 16-bit colour, which looks as usual in 8 bits; everything else is shown from its least to its largest value. */
  readonly isColour: boolean;
}

const KINDS: Readonly<Record<string, Pick<Depth, 'kind' | 'largest' | 'raw'>>> = {
  char: { kind: 'signed 8-bit', largest: 2 ** 7 - 1, raw: 'float' },
  ushort: { kind: '16-bit', largest: 2 ** 16 - 1, raw: 'float' },
  short: { kind: 'signed 16-bit', largest: 2 ** 15 - 1, raw: 'float' },
  uint: { kind: '32-bit', largest: 2 ** 32 - 1, raw: 'double' },
  int: { kind: 'signed 32-bit', largest: 2 ** 31 - 1, raw: 'double' },
  float: { kind: 'float', largest: 1, raw: 'float' },
  double: { kind: 'float', largest: 1, raw: 'double' },
};

const SPACES: readonly string[] = ['rgb16', 'grey16', 'b-w', 'srgb', 'scrgb', 'rgb'];

/**
 * undefined for pictures of 8 bits, and for spaces such as CMYK and Lab, whose colours are made into 8-bit RGB.
 * @param type libvips' format of a value
 * @param space its interpretation
 */
export function depthOf(type: string, space: string): Depth | undefined {
  const kind = KINDS[type];
  if (!kind || !SPACES.includes(space)) return undefined;
  const is16 = space === 'rgb16' || space === 'grey16';
  return {
    ...kind,
    space: is16 ? 'rgb16' : space === 'scrgb' ? 'scrgb' : 'srgb',
    zero: is16 && type === 'short' ? 2 ** 15 : 0,
    isColour: space === 'rgb16' && type === 'ushort',
  };
}
