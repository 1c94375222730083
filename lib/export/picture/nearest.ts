import type { Emitter } from '../../autodiff/emitter.ts';
import { range, type Value } from '../../autodiff/value.ts';
import type { PlacedSide } from './picture-place.ts';
import { isBelow, smaller, whole, within } from './whole-numbers.ts';

/**
 * Pillow's nearest pixel ⌊(u + ½) · from/resized⌋ along an axis (native/kernels/picture/resample_image.hpp), and what `side` cuts
 * out of it.
 * @param pixels uint8, of `side.from` pixels along the axis
 * @returns uint8, of `side.length`; what the picture does not reach repeats its last pixel
 */
export function takeNearest(emit: Emitter, pixels: Value, axis: number, side: PlacedSide): Value {
  const { from, resized, shift, length } = side;
  const [zero, one, two] = [0, 1, 2].map(value => whole(emit, value)) as [Value, Value, Value];
  const targets = within(emit, emit.add(emit.ints(range(length)), shift), zero, emit.sub(resized, one));
  const centres = emit.mul(emit.add(emit.mul(targets, two), one), from);
  const unit = emit.mul(resized, two);
  const exact = emit.div(centres, unit);
  const isBorder = emit.equal(emit.mul(exact, unit), centres);
  const missed = emit.cast(isBelow(emit, summedCentres(emit, side, targets), emit.cast(exact, 'float64')), 'int64');
  const sources = smaller(emit, emit.sub(exact, emit.mul(isBorder, missed)), emit.sub(from, one));
  return emit.node('Gather', [pixels, sources], { type: pixels.type, dims: pixels.dims.with(axis, length) }, { axis });
}

/**
 * The centres as Pillow adds them up, whose rounding decides which pixel one on the border of two takes. A runtime without float64
 * decides that otherwise, and nothing else.
 */
function summedCentres(emit: Emitter, { from, resized }: PlacedSide, targets: Value): Value {
  const one = emit.ints([1]);
  const scale = emit.div(emit.cast(emit.mul(from, one), 'float64'), emit.cast(resized, 'float64'));
  const count = emit.mul(resized, one);
  const steps = emit.node('Expand', [scale, count], { type: 'float64', dims: [-1] });
  const first = emit.mul(scale, emit.scalar(0.5, scale));
  const terms = emit.concat([first, steps], 0);
  const centres = emit.node('CumSum', [terms, whole(emit, 0)], { type: 'float64', dims: [-1] });
  return emit.node('Gather', [centres, targets], { type: 'float64', dims: targets.dims }, { axis: 0 });
}
