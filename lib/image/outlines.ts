import { OnnxCamError } from '../common/errors.ts';
import { ownArray } from '../common/kinds.ts';
import type { Affine, Rect } from './geometry.ts';
import { type RawPicture, rawPicture } from './raw-picture.ts';
import { loadSharp } from './sharp.ts';

/** What is drawn around: boxes and polygons in the coordinates of some picture. */
export interface Outlines {
  readonly boxes: readonly Rect[];
  readonly polygons: readonly (readonly (readonly [x: number, y: number])[])[];
}

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
  const line = Math.max(1, Math.round(Math.max(width, height) / 250));
  const edge = Math.max(1, Math.round(line / 2));
  // All of the line is seen, also where a box ends with the picture.
  const half = line / 2 + edge;
  const inside = (value: number, { scale, offset }: Affine, length: number) =>
    Math.min(Math.max(length - half, length / 2), Math.max(Math.min(half, length / 2), value * scale + offset));
  const point = (x: number, y: number) => `${round(inside(x, along.x, width))} ${round(inside(y, along.y, height))}`;
  const path = [
    ...boxes.map(box => rectangle(box).map(([x, y]) => point(x, y))),
    ...polygons.map(polygon => polygon.map(([x, y]) => point(x, y))),
  ]
    .map(points => `M${points.join('L')}Z`)
    .join('');
  const stroke = (colour: string, strokeWidth: number) =>
    `<path d="${path}" stroke="${colour}" stroke-width="${strokeWidth}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g fill="none" stroke-linejoin="miter">${stroke('#000', 2 * half)}${stroke('#fff', line)}</g></svg>`;
  const sharp = await loadSharp();
  const drawn = await sharp(ownArray(data), { raw: { width, height, channels }, limitInputPixels: false })
    .composite([{ input: Buffer.from(svg), limitInputPixels: false }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return rawPicture(drawn, width, height);
}

function rectangle({ x, y, width, height }: Rect): [x: number, y: number][] {
  return [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ];
}

const round = (value: number): number => Math.round(value * 100) / 100;
