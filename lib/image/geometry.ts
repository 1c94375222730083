import type { Fit } from './preprocess-options.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rectangle in continuous coordinates: pixel (x, y) covers [x, x + 1) × [y, y + 1), y grows downwards. */
export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

/**
 * Where the original picture lies in the model's input: the picture is resized to `resized`, the part of it called
 * `window` is kept, and put at `target` of the input. Inside `target`, and only there, the input shows the picture.
 */
export interface Placement {
  readonly fit: Fit;
  readonly picture: Size;
  readonly input: Size;
  /** The whole picture after resizing, whole pixels. */
  readonly resized: Size;
  /** The part of the resized picture that is kept, whole pixels. */
  readonly window: Rect;
  /** Where it lies in the input, whole pixels, the window's size. */
  readonly target: Rect;
  /** Of inputs that were made of the one described here: from its coordinates to theirs. */
  readonly change?: { readonly x: Affine; readonly y: Affine };
}

/**
 * How an input lies in another one that was made of it, flipped, scaled, shifted or cut: from its coordinates to the
 * other's. A negative scale is a flip.
 */
export interface InputChange {
  readonly x: Affine;
  readonly y: Affine;
  /** Size of the input that was made. */
  readonly size: Size;
}

/** Where the original picture lies in an input that was made of the one that `placement` describes. */
export function changedPlacement(placement: Placement, { x, y, size }: InputChange): Placement {
  const { change } = placement;
  const both = change ? { x: then(change.x, x), y: then(change.y, y) } : { x, y };
  return { ...placement, input: size, change: both };
}

/**
 * - squeeze: the whole picture fills the input, its aspect ratio given up; where `crop` says so it is larger, and its middle is
 *   kept.
 * - crop: the picture is scaled to cover the input, or as `crop` says, its middle is kept. Rounding as torchvision's
 *   `Resize(size)` and `CenterCrop(size)`: the longer side is cut down to whole pixels, offsets are rounded half to even.
 *   Where it is smaller than the input it lies in its middle.
 * - letterbox: the picture is scaled to fit into the input, in its middle. Rounding half to even, at least one pixel; an
 *   odd pixel of margin goes to the right and below (as Ultralytics' `LetterBox`).
 */
export function place(picture: Size, input: Size, fit: Fit, crop: CropOptions = {}): Placement {
  switch (fit) {
    case 'squeeze':
    case 'crop': {
      const resized = resizedForCrop(fit === 'crop' ? picture : input, input, crop);
      const [x, y] = [cutOut(resized.width, input.width), cutOut(resized.height, input.height)];
      const size = { width: x.length, height: y.length };
      const window = { x: x.from, y: y.from, ...size };
      return { fit, picture, input, resized, window, target: { x: x.to, y: y.to, ...size } };
    }
    case 'letterbox': {
      const resized = fitting(picture, input);
      const x = Math.floor((input.width - resized.width) / 2);
      const y = Math.floor((input.height - resized.height) / 2);
      return { fit, picture, input, resized, window: whole(resized), target: { x, y, ...resized } };
    }
  }
}

/** How large a picture is before its middle is cut out. */
export interface CropOptions {
  /** Pixels of its shorter side. */
  readonly resize?: number | null;
  /** The share of each side that is cut out. */
  readonly cropPct?: number | null;
}

function resizedForCrop(picture: Size, input: Size, { resize, cropPct }: CropOptions): Size {
  if (resize != null) {
    const long = (from: number, short: number) => Math.max(1, Math.trunc((resize * from) / short));
    return picture.width <= picture.height
      ? { width: resize, height: long(picture.height, picture.width) }
      : { width: long(picture.width, picture.height), height: resize };
  }
  if (cropPct == null) return covering(picture, input);
  return covering(picture, { width: Math.floor(input.width / cropPct), height: Math.floor(input.height / cropPct) });
}

/** One axis: what is taken from a length and where it lies in another; torchvision pads what is too short. */
function cutOut(resized: number, input: number): { from: number; to: number; length: number } {
  if (resized >= input) return { from: roundHalfEven((resized - input) / 2), to: 0, length: input };
  return { from: 0, to: Math.floor((input - resized) / 2), length: resized };
}

/** `target = source · scale + offset`, along one axis. */
export interface Affine {
  readonly scale: number;
  readonly offset: number;
}

/** From the picture's coordinates to the input's, along x and y. */
export function pictureToInput({ picture, resized, window, target, change }: Placement): { x: Affine; y: Affine } {
  const x = { scale: resized.width / picture.width, offset: target.x - window.x };
  const y = { scale: resized.height / picture.height, offset: target.y - window.y };
  return change ? { x: then(x, change.x), y: then(y, change.y) } : { x, y };
}

/** From the input's coordinates to the picture's, along x and y. */
export function inputToPicture({ picture, resized, window, target, change }: Placement): { x: Affine; y: Affine } {
  const across = picture.width / resized.width;
  const down = picture.height / resized.height;
  const x = { scale: across, offset: (window.x - target.x) * across };
  const y = { scale: down, offset: (window.y - target.y) * down };
  return change ? { x: then(inverse(change.x), x), y: then(inverse(change.y), y) } : { x, y };
}

/** The pixels of the picture whose centres the input shows, whole pixels; all of them unless something was cut away. */
export function shownPixels(placement: Placement): Rect {
  const { picture, window, target, input, change } = placement;
  const { x, y } = inputToPicture({ ...placement, change: undefined });
  const columns = cutOutOf(target.x, target.x + window.width, x, picture.width);
  const rows = cutOutOf(target.y, target.y + window.height, y, picture.height);
  if (!change) return rect(columns, rows);
  // What was shown before the change, as far as the changed input still holds it.
  const back = inputToPicture(placement);
  return rect(
    overlap(columns, between(0, input.width, back.x, picture.width)),
    overlap(rows, between(0, input.height, back.y, picture.height)),
  );
}

/** Whole pixels of one axis, the end left out. */
type Range = readonly [begin: number, end: number];

/** The pixels of the picture, `length` long, whose centres lie between two coordinates of the input. */
function between(from: number, to: number, along: Affine, length: number): Range {
  const [low, high] = ends(from, to, along);
  // The pixel i lies there when its centre i + ½ lies in [low, high).
  const first = (edge: number) => Math.min(length, Math.max(0, Math.ceil(edge - 0.5)));
  return [first(low), first(high)];
}

/** As `between`; where that is none, because one pixel holds all that was cut out: that pixel. */
function cutOutOf(from: number, to: number, along: Affine, length: number): Range {
  const [begin, end] = between(from, to, along, length);
  if (end > begin) return [begin, end];
  const middle = ((from + to) / 2) * along.scale + along.offset;
  const pixel = Math.min(length - 1, Math.max(0, Math.floor(middle)));
  return [pixel, pixel + 1];
}

function overlap(a: Range, b: Range): Range {
  const begin = Math.max(a[0], b[0]);
  return [begin, Math.max(begin, Math.min(a[1], b[1]))];
}

function rect([left, right]: Range, [top, bottom]: Range): Rect {
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** First one mapping, then the other. */
function then(first: Affine, second: Affine): Affine {
  return { scale: first.scale * second.scale, offset: first.offset * second.scale + second.offset };
}

export function inverse({ scale, offset }: Affine): Affine {
  return { scale: 1 / scale, offset: -offset / scale };
}

/** Where a rectangle comes to lie; flips keep its width and height positive. */
export function mappedRect({ x, y, width, height }: Rect, along: { readonly x: Affine; readonly y: Affine }): Rect {
  const [left, right] = ends(x, x + width, along.x);
  const [top, bottom] = ends(y, y + height, along.y);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The images of two coordinates, the lower one first. */
function ends(from: number, to: number, { scale, offset }: Affine): readonly [number, number] {
  const [a, b] = [from * scale + offset, to * scale + offset];
  return scale < 0 ? [b, a] : [a, b];
}

function whole({ width, height }: Size): Rect {
  return { x: 0, y: 0, width, height };
}

/** The smallest size of the picture's shape that covers the input. */
function covering(picture: Size, input: Size): Size {
  return input.width * picture.height >= input.height * picture.width
    ? { width: input.width, height: Math.max(input.height, Math.trunc((input.width * picture.height) / picture.width)) }
    : { width: Math.trunc((input.height * picture.width) / picture.height), height: input.height };
}

/** The largest size of the picture's shape that fits into the input. */
function fitting(picture: Size, input: Size): Size {
  return input.width * picture.height <= input.height * picture.width
    ? { width: input.width, height: Math.max(1, roundHalfEven((input.width * picture.height) / picture.width)) }
    : { width: Math.max(1, roundHalfEven((input.height * picture.width) / picture.height)), height: input.height };
}

/** Python's `round`. */
function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

/** Size of a model's input. */
export interface InputSize {
  readonly width: number;
  readonly height: number;
  /** Slices of a volume, frames of a clip. */
  readonly depth?: number;
}
