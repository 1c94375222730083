import type { Emitter } from '../../autodiff/emitter.ts';
import type { Value } from '../../autodiff/value.ts';
import { place, type Size } from '../../image/geometry.ts';
import type { ResolvedPreprocess } from '../../image/preprocess-options.ts';
import { larger, scaled, scaledHalfEven, sizeOfAxis, smaller, whole, within } from './whole-numbers.ts';

/** One side of a picture and where it lies along the same side of the input; numbers of pixels, int64 scalars. */
export interface PlacedSide {
  /** The picture's own length. */
  readonly from: Value;
  /** Its length after resizing. */
  readonly resized: Value;
  /** The resized picture's pixel x + shift lies on the input's pixel x. */
  readonly shift: Value;
  /** The input's length. */
  readonly length: number;
  /** False where the picture covers all of the input, whatever its size. */
  readonly hasBorder: boolean;
}

/**
 * `place` (lib/image/geometry.ts) for a picture whose size is only known when the model runs.
 * @param picture [N, h, w, 3]
 */
export function placedSides(
  emit: Emitter,
  picture: Value,
  input: Size,
  preprocess: ResolvedPreprocess,
): { readonly across: PlacedSide; readonly down: PlacedSide } {
  const from = { height: sizeOfAxis(emit, picture, 1), width: sizeOfAxis(emit, picture, 2) };
  const { size, hasBorder } = resizedSize(emit, from, input, preprocess);
  const isWhole = preprocess.fit === 'squeeze' && preprocess.resize === null && preprocess.cropPct === null;
  const side = (axis: 'width' | 'height'): PlacedSide => ({
    from: from[axis],
    resized: size[axis],
    shift: isWhole ? whole(emit, 0) : shiftOf(emit, size[axis], input[axis]),
    length: input[axis],
    hasBorder: hasBorder[axis],
  });
  return { across: side('width'), down: side('height') };
}

interface Sides<T> {
  readonly width: T;
  readonly height: T;
}

/** Of the whole picture, before its middle is cut out. */
function resizedSize(
  emit: Emitter,
  from: Sides<Value>,
  input: Size,
  { fit, resize, cropPct }: ResolvedPreprocess,
): { readonly size: Sides<Value>; readonly hasBorder: Sides<boolean> } {
  const both = <T>(of: (axis: 'width' | 'height', other: 'width' | 'height') => T): Sides<T> => ({
    width: of('width', 'height'),
    height: of('height', 'width'),
  });
  switch (fit) {
    case 'squeeze': {
      const { resized } = place(input, input, fit, { resize, cropPct });
      return { size: both(axis => whole(emit, resized[axis])), hasBorder: both(axis => resized[axis] < input[axis]) };
    }
    case 'crop': {
      const share = cropPct ?? 1;
      // Smallest sizes of the picture's shape that cover them; a shorter side of `resize` pixels covers a square.
      const covered = both(axis => resize ?? Math.floor(input[axis] / share));
      const size = both((axis, other) =>
        larger(emit, whole(emit, covered[axis]), scaled(emit, whole(emit, covered[other]), from[axis], from[other])),
      );
      return { size, hasBorder: both(axis => covered[axis] < input[axis]) };
    }
    case 'letterbox': {
      const size = both((axis, other) =>
        within(
          emit,
          scaledHalfEven(emit, whole(emit, input[other]), from[axis], from[other]),
          whole(emit, 1),
          whole(emit, input[axis]),
        ),
      );
      return { size, hasBorder: both(() => true) };
    }
  }
}

/** What is too long loses its ends, rounded half to even; what is too short lies in the middle, an odd pixel behind it. */
function shiftOf(emit: Emitter, resized: Value, input: number): Value {
  const [length, one, two] = [input, 1, 2].map(value => whole(emit, value)) as [Value, Value, Value];
  const over = emit.sub(larger(emit, resized, length), length);
  const under = emit.sub(length, smaller(emit, resized, length));
  return emit.sub(scaledHalfEven(emit, over, one, two), emit.div(under, two));
}
