/** Photographs of a chunk: what a page parses at once when the first of them is looked at, about a megabyte. */
export const PHOTOS_PER_CHUNK = 25;

/** The picture and the maps of one photograph; a chunk is a JSON array of these. */
export interface PhotoPayload {
  /** null where the picture is gone: maps are shown on grey. */
  readonly picture: SmallPicture | null;
  readonly maps: readonly SmallMap[];
  /** Of single maps, by the map's place and the metric's name. */
  readonly curves: Readonly<Record<string, Readonly<Record<string, SmallCurve>>>>;
}

export interface SmallPicture {
  /** As `image/webp`. */
  readonly type: string;
  /** Base64. */
  readonly data: string;
  readonly width: number;
  readonly height: number;
}

/** A map at the smallest size that holds it, and how it lies over the picture. */
export interface SmallMap {
  readonly width: number;
  readonly height: number;
  /** Values in [0, 1]: float16, or uint8 with 255 for 1. */
  readonly type: 'float16' | 'uint8';
  /** Base64, row-major, little endian. */
  readonly data: string;
  /** From the picture, whose sides are 1 here, to the map's cells: cell = scale · x + offset, along each axis. */
  readonly x: { readonly scale: number; readonly offset: number };
  readonly y: { readonly scale: number; readonly offset: number };
  /** What the model saw of the picture, whose sides are 1 here: [left, top, right, bottom]. Outside the map is 0. */
  readonly shown: readonly [number, number, number, number];
}

/** y over x, both base64 of float16. */
export interface SmallCurve {
  readonly x: string;
  readonly y: string;
}
