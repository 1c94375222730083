import type { PictureShape } from '../../kernels/picture-values.ts';

/** Square blocks of a grid over the picture, cut off at its edges; each an array of pixel numbers in row order. */
export function blocksOf(
  { width, height }: Pick<PictureShape, 'width' | 'height'>,
  patch: number,
  /** Whether what is missing of whole blocks is split between both edges (the larger half behind), as Quantus pads. */
  centred = false,
): Uint32Array[] {
  const blocks: Uint32Array[] = [];
  const rows = stretches(height, patch, centred);
  const columns = stretches(width, patch, centred);
  for (const [top, bottom] of rows)
    for (const [left, right] of columns) {
      const pixels: number[] = [];
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) pixels.push(y * width + x);
      blocks.push(Uint32Array.from(pixels));
    }
  return blocks;
}

/** A seventh of the width, where nobody says otherwise. */
export function defaultPatch(width: number): number {
  return Math.max(1, Math.floor(width / 7));
}

function stretches(length: number, patch: number, centred: boolean): [begin: number, end: number][] {
  const missing = (patch - (length % patch)) % patch;
  const found: [number, number][] = [];
  for (let begin = centred ? -Math.floor(missing / 2) : 0; begin < length; begin += patch)
    found.push([Math.max(0, begin), Math.min(length, begin + patch)]);
  return found;
}
