import type { Emitter } from '../emitter.ts';
import { flip, padAxis, sliceAxis } from '../forms.ts';
import { positiveAxis, type Value } from '../value.ts';
import { decomposed } from './decomposed.ts';
import { reducedAxes } from './reduce.ts';

// Products written as products of halves, and of shifted copies: no division, so that zeros among the factors are right.

/** ReduceProd. */
export const reduceProd = decomposed(
  context => {
    const { emit } = context;
    let x = context.input();
    for (const axis of reducedAxes(context)) {
      if (x.dims[axis] === -1) context.fail('it multiplies over a dynamic axis');
      x = productAlong(emit, x, axis);
    }
    return emit.reshapeLike(x, context.output());
  },
  [0],
);

function productAlong(e: Emitter, x: Value, axis: number): Value {
  let rest = x;
  while (rest.dims[axis]! > 1) {
    const size = rest.dims[axis]!;
    const half = Math.floor(size / 2);
    const product = e.mul(sliceAxis(e, rest, axis, 0, half), sliceAxis(e, rest, axis, half, half));
    rest = size % 2 === 0 ? product : e.concat([product, sliceAxis(e, rest, axis, size - 1, 1)], axis);
  }
  return rest;
}

/** CumProd: log₂ n products with copies shifted by 1, 2, 4 … places. */
export const cumProd = decomposed(
  context => {
    const { emit, node } = context;
    const axes = context.constantInput(1) ?? context.fail('its axis varies at run time');
    const input = context.input();
    const axis = positiveAxis(axes[0]!, input.dims.length);
    const size = input.dims[axis]!;
    if (size === -1) context.fail('it multiplies along a dynamic axis');
    const reverse = node.attributes.int('reverse', 0) === 1;
    const turned = (x: Value) => (reverse ? flip(emit, x, [axis]) : x);
    const shifted = (x: Value, places: number) =>
      places === size
        ? emit.constant(
            1,
            x.type,
            x.dims.map(dim => (dim === -1 ? 1 : dim)),
          )
        : padAxis(emit, sliceAxis(emit, x, axis, 0, size - places), axis, places, 0, 1);
    let x = turned(input);
    if (node.attributes.int('exclusive', 0) === 1) x = shifted(x, 1);
    for (let places = 1; places < size; places *= 2) x = emit.mul(x, shifted(x, places));
    return turned(x);
  },
  [0],
);
