import type { Emitter } from '../../autodiff/emitter.ts';
import { clamp, reduceSum, sliceAxis, split } from '../../autodiff/forms.ts';
import { range, type Value } from '../../autodiff/value.ts';
import type { PlacedSide } from './picture-place.ts';
import { isBelow, larger, smaller, whole, within } from './whole-numbers.ts';

/** Target pixels whose sources are gathered together: more of them weigh pixels with 0, fewer gather pixels several times. */
const BLOCK = 16;

/** Pixels on either side that a filter reads where nothing shrinks. */
const REACH = { bilinear: 1, bicubic: 2 } as const;

/**
 * Pillow's `Image.resize` along rows (native/kernels/picture/resample_image.hpp), antialiased where it shrinks, and what `side` cuts
 * out of it: weights · pixels, in blocks of target rows that read neighbouring ones. The sums are rounded to bytes.
 * @param pixels uint8 or float32 [side.from, n], whole numbers in 0..255
 * @returns float32 [side.length, n], whole numbers in 0..255; what the picture does not reach repeats its last row
 */
export function resampleRows(
  emit: Emitter,
  pixels: Value,
  side: PlacedSide,
  interpolation: 'bilinear' | 'bicubic',
): Value {
  const { length } = side;
  const size = Math.min(BLOCK, length);
  const blocks = Math.ceil(length / size);
  const { weights, sources } = tapsOf(emit, side, { size, blocks, interpolation });
  const gathered = emit.node('Gather', [pixels, sources], { type: pixels.type, dims: [blocks, -1, -1] }, { axis: 0 });
  const sums = emit.matMul(inTwoParts(emit, weights), emit.cast(gathered, 'float32'));
  const [coarse, fine] = split(emit, sums, 1, [size, size]) as [Value, Value];
  const rows = emit.node('Reshape', [toBytes(emit, coarse, fine), emit.ints([blocks * size, -1])], {
    type: 'float32',
    dims: [blocks * size, -1],
  });
  return sliceAxis(emit, rows, 0, 0, length);
}

/**
 * Weights rounded to 22 fractional bits, as Pillow's, in a part with the first 12 of them and one with the rest: each part's sums of
 * bytes are exact in float32, whatever the order of summation.
 * @param weights float64 [blocks, size, taps]
 * @returns float32 [blocks, 2 · size, taps]
 */
function inTwoParts(emit: Emitter, weights: Value): Value {
  const times = (x: Value, factor: number) => emit.mul(x, emit.scalar(factor, x));
  const nearest = (x: Value) => emit.unary('Floor', emit.add(x, emit.scalar(0.5, x)));
  const whole = nearest(times(weights, 2 ** 22));
  const coarse = nearest(times(whole, 2 ** -10));
  const fine = emit.sub(whole, times(coarse, 2 ** 10));
  return emit.cast(emit.concat([times(coarse, 2 ** -12), times(fine, 2 ** -22)], 1), 'float32');
}

/** Both parts' sums to the nearest byte, halves up; the steps are exact. Bicubic sums may lie outside. */
function toBytes(emit: Emitter, coarse: Value, fine: Value): Value {
  const raised = emit.add(coarse, emit.scalar(0.5, coarse));
  const below = emit.unary('Floor', raised);
  const rest = emit.unary('Floor', emit.add(emit.sub(raised, below), fine));
  return clamp(emit, emit.add(below, rest), 0, 255);
}

/**
 * The weights, float64 [blocks, size, taps], of the picture's rows `sources`, int64 [blocks, taps]. In float64, so that rounding to 22
 * bits gives Pillow's; a runtime that takes float32 for it comes within one step of a byte.
 */
function tapsOf(
  emit: Emitter,
  { from, resized, shift, length }: PlacedSide,
  {
    size,
    blocks,
    interpolation,
  }: { readonly size: number; readonly blocks: number; readonly interpolation: 'bilinear' | 'bicubic' },
): { readonly weights: Value; readonly sources: Value } {
  const [zero, one, two] = [0, 1, 2].map(value => whole(emit, value)) as [Value, Value, Value];
  // In units of 1 / (2 · resized) pixels of the picture everything is a whole number: pixel j's centre lies at (2j + 1) · resized,
  // that of the target's pixel u at (2u + 1) · from, and the filter's own unit is 2 · max(from, resized).
  const unit = emit.mul(larger(emit, from, resized), two);
  const pixel = emit.mul(resized, two);
  const reach = emit.mul(unit, whole(emit, REACH[interpolation]));
  const positions = range(blocks * size).map(x => Math.min(x, length - 1));
  const targets = within(
    emit,
    emit.add(emit.constant(positions, 'int64', [blocks, size, 1]), shift),
    zero,
    emit.sub(resized, one),
  );
  const centres = emit.mul(emit.add(emit.mul(targets, two), one), from);
  const first = emit.div(larger(emit, emit.sub(sliceAxis(emit, centres, 1, 0, 1), reach), zero), pixel);
  const span = emit.add(emit.mul(emit.mul(whole(emit, size - 1), two), from), emit.mul(reach, two));
  // One for what is cut off at either end.
  const count = emit.add(emit.div(span, pixel), two);
  const taps = emit.add(first, emit.node('Range', [zero, count, one], { type: 'int64', dims: [-1] }));
  const distance = emit.sub(emit.mul(emit.add(emit.mul(taps, two), one), resized), centres);
  const away = emit.unary('Abs', emit.cast(distance, 'float64'));
  const reached = emit.cast(unit, 'float64');
  const inside = emit.cast(isBelow(emit, taps, from), 'float64');
  const values = emit.mul(
    interpolation === 'bilinear' ? triangle(emit, away, reached) : keys(emit, emit.div(away, reached)),
    inside,
  );
  const weights = emit.div(values, reduceSum(emit, values, [2]));
  const sources = smaller(emit, taps, emit.sub(from, one));
  const flat = emit.node('Reshape', [sources, emit.ints([blocks, -1])], { type: 'int64', dims: [blocks, -1] });
  return { weights, sources: flat };
}

/** unit · (1 − away / unit), not below 0: whole numbers, whose sum is exact. */
function triangle(emit: Emitter, away: Value, unit: Value): Value {
  return emit.unary('Relu', emit.sub(unit, away));
}

/** Keys' cubic kernel with a = −½. */
function keys(emit: Emitter, t: Value): Value {
  const a = -0.5;
  const number = (value: number) => emit.scalar(value, t);
  const below = (end: number, inside: Value, outside: Value) =>
    emit.node('Where', [isBelow(emit, t, number(end)), inside, outside], t);
  // ((a + 2) t − (a + 3)) t² + 1
  const near = emit.add(emit.mul(emit.mul(emit.sub(emit.mul(t, number(a + 2)), number(a + 3)), t), t), number(1));
  // (((t − 5) t + 8) t − 4) a
  const cubic = emit.mul(emit.add(emit.mul(emit.sub(t, number(5)), t), number(8)), t);
  const far = emit.mul(emit.sub(cubic, number(4)), number(a));
  return below(1, near, below(2, far, number(0)));
}

/** Whether the input's pixels show the picture: bool [side.length]. */
export function isShown(emit: Emitter, { resized, shift, length }: PlacedSide): Value {
  const targets = emit.add(emit.ints(range(length)), shift);
  const held = within(emit, targets, whole(emit, 0), emit.sub(resized, whole(emit, 1)));
  return emit.node('Equal', [targets, held], { type: 'bool', dims: [length] });
}
