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
}

/**
 * - squeeze: the whole picture fills the input, its aspect ratio given up.
 * - crop: the picture is scaled to cover the input, its middle is kept. Rounding as torchvision's `Resize(size)` and
 *   `CenterCrop(size)`: the longer side is cut down to whole pixels, offsets are rounded half to even.
 * - letterbox: the picture is scaled to fit into the input, in its middle. Rounding half to even, at least one pixel; an
 *   odd pixel of margin goes to the right and below (as Ultralytics' `LetterBox`).
 */
export function place(picture: Size, input: Size, fit: Fit): Placement {
  switch (fit) {
    case 'squeeze':
      return { fit, picture, input, resized: input, window: whole(input), target: whole(input) };
    case 'crop': {
      const resized = covering(picture, input);
      const x = roundHalfEven((resized.width - input.width) / 2);
      const y = roundHalfEven((resized.height - input.height) / 2);
      return { fit, picture, input, resized, window: { x, y, ...input }, target: whole(input) };
    }
    case 'letterbox': {
      const resized = fitting(picture, input);
      const x = Math.floor((input.width - resized.width) / 2);
      const y = Math.floor((input.height - resized.height) / 2);
      return { fit, picture, input, resized, window: whole(resized), target: { x, y, ...resized } };
    }
  }
}

/** `target = source · scale + offset`, along one axis. */
export interface Affine {
  readonly scale: number;
  readonly offset: number;
}

/** From the picture's coordinates to the input's, along x and y. */
export function pictureToInput({ picture, resized, window, target }: Placement): { x: Affine; y: Affine } {
  return {
    x: { scale: resized.width / picture.width, offset: target.x - window.x },
    y: { scale: resized.height / picture.height, offset: target.y - window.y },
  };
}

/** From the input's coordinates to the picture's, along x and y. */
export function inputToPicture({ picture, resized, window, target }: Placement): { x: Affine; y: Affine } {
  const x = picture.width / resized.width;
  const y = picture.height / resized.height;
  return {
    x: { scale: x, offset: (window.x - target.x) * x },
    y: { scale: y, offset: (window.y - target.y) * y },
  };
}

/** The pixels of the picture whose centres the input shows, whole pixels; all of them unless the fit is crop. */
export function shownPixels(placement: Placement): Rect {
  const { picture, window } = placement;
  const { x, y } = inputToPicture(placement);
  const { target } = placement;
  // The pixel i is shown when its centre i + ½ lies in [edge, edge + length).
  const first = (edge: number, limit: number) => Math.min(limit, Math.max(0, Math.ceil(edge - 0.5)));
  const left = first(target.x * x.scale + x.offset, picture.width);
  const top = first(target.y * y.scale + y.offset, picture.height);
  const right = first((target.x + window.width) * x.scale + x.offset, picture.width);
  const bottom = first((target.y + window.height) * y.scale + y.offset, picture.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
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
