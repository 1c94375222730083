import { minusFrom, plus, scale } from '../../blocked.ts';
import type { Emitter } from '../../emitter.ts';
import { clamp, sliceAxis } from '../../forms.ts';
import { range, sizeOf, type Value } from '../../value.ts';
import { decomposed } from '../decomposed.ts';
import { linearTaps, type Padding, readField, type Tap, tap } from './field.ts';

/**
 * GridSample(x, grid): values of x at places in [−1, 1], x's last axis first. With align_corners ±1 are the centres of the
 * outermost cells, else their edges. Nearest places have no derivative in the grid; at a whole coordinate the linear
 * one is that of the cell behind it, as in PyTorch.
 */
export const gridSample = decomposed(context => {
  const { emit: e, node } = context;
  const [x, given, y] = [context.input(0), context.input(1), context.output()];
  const sizes = x.dims.slice(2);
  const rank = sizes.length;
  const points = sizeOf(y.dims.slice(2));
  if (sizes.includes(-1) || points === -1) context.fail('height or width is dynamic');
  const grid = wide(e, given);
  const aligned = node.attributes.int('align_corners', 0) === 1;
  const padding = node.attributes.string('padding_mode', 'zeros') as Padding;
  const mode = node.attributes.string('mode', 'linear').replace(/^bi/, '');
  const taps = sizes.map((size, axis) => {
    const column = e.reshape(sliceAxis(e, grid, grid.dims.length - 1, rank - 1 - axis, 1), [grid.dims[0]!, points]);
    const place = aligned
      ? scale(e, plus(e, column, 1), (size - 1) / 2)
      : scale(e, plus(e, scale(e, plus(e, column, 1), size), -1), 1 / 2);
    if (mode === 'cubic') return cubicTaps(e, place, size, padding, aligned);
    const folded = fold(e, place, size, padding, aligned);
    return mode === 'nearest'
      ? [tap(e, e.unary('Round', folded), size, undefined, padding)]
      : linearTaps(e, folded, size, padding);
  });
  const flat = e.reshape(wide(e, x), [x.dims[0]!, x.dims[1]!, sizeOf(sizes)]);
  const read = readField({ e, flat, sizes }, taps);
  return e.cast(e.reshape(read, [read.dims[0]!, ...y.dims.slice(1)]), x.type);
});

/** Half types cannot count the cells of a map. */
const wide = (e: Emitter, x: Value): Value => (x.type === 'float64' ? x : e.cast(x, 'float32'));

/** A coordinate brought into the map: clamped to the edge cells, or mirrored first. Zeros leave it where it is. */
function fold(e: Emitter, place: Value, size: number, padding: Padding, aligned: boolean): Value {
  if (padding === 'zeros') return place;
  return clamp(e, padding === 'reflection' ? reflect(e, place, size, aligned) : place, 0, size - 1);
}

/** Mirrored at the centres (aligned) or the outer edges of the outermost cells, as often as it takes. */
function reflect(e: Emitter, place: Value, size: number, aligned: boolean): Value {
  const low = aligned ? 0 : -0.5;
  const span = aligned ? size - 1 : size;
  if (span === 0) return scale(e, place, 0);
  const distance = e.unary('Abs', plus(e, place, -low));
  const flips = e.unary('Floor', scale(e, distance, 1 / span));
  const rest = e.sub(distance, scale(e, flips, span));
  const odd = e.sub(flips, scale(e, e.unary('Floor', scale(e, flips, 0.5)), 2));
  // rest on even runs, span − rest on odd ones.
  const turned = e.add(e.mul(rest, plus(e, scale(e, odd, -2), 1)), scale(e, odd, span));
  return plus(e, turned, low);
}

const A = -0.75;

/** Four cells by the cubic convolution kernel; padding applies to each of them. */
function cubicTaps(e: Emitter, place: Value, size: number, padding: Padding, aligned: boolean): Tap[] {
  const low = e.unary('Floor', place);
  const t = e.sub(place, low);
  const rest = minusFrom(e, 1, t);
  const weights = [far(e, plus(e, t, 1)), near(e, t), near(e, rest), far(e, plus(e, rest, 1))];
  return range(4).map(k => {
    const whole = plus(e, low, k - 1);
    return tap(e, padding === 'reflection' ? reflect(e, whole, size, aligned) : whole, size, weights[k], padding);
  });
}

/** (A + 2)d³ − (A + 3)d² + 1 at distances up to 1. */
const near = (e: Emitter, d: Value): Value => plus(e, e.mul(plus(e, scale(e, d, A + 2), -(A + 3)), e.mul(d, d)), 1);

/** A·d³ − 5A·d² + 8A·d − 4A at distances between 1 and 2. */
const far = (e: Emitter, d: Value): Value =>
  plus(e, e.mul(plus(e, e.mul(plus(e, scale(e, d, A), -5 * A), d), 8 * A), d), -4 * A);
