import { OnnxCamError } from '../common/errors.ts';
import { ownArray } from '../common/kinds.ts';
import type { Affine } from './geometry.ts';
import { type Outlines, outlineShape } from './outline-shape.ts';
import { type RawPicture, rawPicture } from './raw-picture.ts';
import { loadSharp } from './sharp.ts';

/** SVG is drawn up to this many pixels across or down (librsvg). */
const LARGEST_SIDE = 32767;

/**
 * Draws outlines into a picture: white with dark edges, which stand out from every colour, as wide as the picture is large.
 * @param along from the outlines' coordinates to the picture's
 * @throws `ERR_OUTPUT` for a picture that is too large to draw on
 */
export async function drawOutlines(
  { data, info }: RawPicture,
  { boxes, polygons }: Outlines,
  along: { readonly x: Affine; readonly y: Affine },
): Promise<RawPicture> {
  const { width, height, channels } = info;
  if (boxes.length + polygons.length === 0) return rawPicture(data, width, height);
  if (Math.max(width, height) > LARGEST_SIDE)
    throw new OnnxCamError(
      'ERR_OUTPUT',
      `outlines are drawn on pictures of at most ${LARGEST_SIDE} pixels a side, this one is ${width}x${height}; make the map with a smaller mapSize`,
    );
  const { polygons: rings, line, around } = outlineShape({ boxes, polygons }, info, along);
  const path = rings.map(points => `M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}Z`).join('');
  const stroke = (colour: string, strokeWidth: number) =>
    `<path d="${path}" stroke="${colour}" stroke-width="${strokeWidth}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g fill="none" stroke-linejoin="miter">${stroke('#000', around)}${stroke('#fff', line)}</g></svg>`;
  const sharp = await loadSharp();
  const drawn = await sharp(ownArray(data), { raw: { width, height, channels }, limitInputPixels: false })
    .composite([{ input: Buffer.from(svg), limitInputPixels: false }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return rawPicture(drawn, width, height);
}

const round = (value: number): number => Math.round(value * 100) / 100;
