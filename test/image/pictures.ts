/** Synthetic pictures for the tests. */

export type Rgb = readonly [number, number, number];

export interface Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

/** A picture whose pixel (x, y) is `colour(x, y)`. */
export function picture(width: number, height: number, colour: (x: number, y: number) => Rgb): Pixels {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(colour(x, y), 3 * (y * width + x));
  }
  return { data, width, height };
}

export const CORNERS = {
  topLeft: [220, 30, 30],
  topRight: [30, 200, 40],
  bottomLeft: [40, 60, 210],
  bottomRight: [230, 230, 60],
} as const;

/** Four quarters of different colours: any flip, turn or transposition shows. */
export function quarters(width: number, height: number): Pixels {
  return picture(width, height, (x, y) =>
    y < height / 2
      ? x < width / 2
        ? CORNERS.topLeft
        : CORNERS.topRight
      : x < width / 2
        ? CORNERS.bottomLeft
        : CORNERS.bottomRight,
  );
}

export function pixelAt(image: { data: Uint8Array; width: number }, x: number, y: number): Rgb {
  const at = 3 * (y * image.width + x);
  return [image.data[at]!, image.data[at + 1]!, image.data[at + 2]!];
}

/** Largest difference of two equally long arrays. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** A deterministic colourful texture with an obvious direction. */
export function texture(width: number, height: number): Pixels {
  return picture(width, height, (x, y) => [
    Math.round(127 + 120 * Math.sin(x / 3 + y / 11)),
    Math.round((255 * x) / Math.max(1, width - 1)),
    Math.round((255 * y * y) / Math.max(1, (height - 1) ** 2)),
  ]);
}
