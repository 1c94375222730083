import type { NodeContext } from '../../context.ts';
import { sliceAxis } from '../../forms.ts';
import { range, sizeOf, type Value } from '../../value.ts';
import { decomposed } from '../decomposed.ts';
import { type Window, windowOf } from '../window.ts';
import { readLinear } from './field.ts';

/** DeformConv(x, weight, offset, bias, mask): each cell of the kernel reads at a place of its own, times its mask. */
export const deformConv = decomposed(context => {
  const { emit: e, node } = context;
  const [x, w, offset, y] = [context.input(0), context.input(1), context.input(2), context.output()];
  const window = windowOf(context, w.dims.slice(2));
  if (window.rank !== 2) context.fail('only two spatial axes are supported');
  if (window.input.includes(-1) || window.output.includes(-1)) context.fail('height or width is dynamic');
  const group = node.attributes.int('group', 1);
  const sets = node.attributes.int('offset_group', 1);
  const batch = offset.dims[0] === -1 ? -1 : x.dims[0]!;
  const channels = x.dims[1]!;
  const [cells, points] = [sizeOf(window.kernel), sizeOf(window.output)];
  const folded = sets === 1 ? batch : batch === -1 ? -1 : batch * sets;

  const moves = e.reshape(offset, [folded, cells, 2, points]);
  const coordinates = range(2).map(axis => {
    const move = e.reshape(sliceAxis(e, moves, 2, axis, 1), [folded, cells * points]);
    return e.add(move, e.constant(regularPlaces(window, axis), move.type, [1, cells * points]));
  });
  const flat = e.reshape(x, [folded, channels / sets, sizeOf(window.input)]);
  let columns = readLinear({ e, flat, sizes: window.input }, coordinates, 'zeros');
  if (context.has(4)) columns = e.mul(columns, e.reshape(context.input(4), [folded, 1, cells * points]));

  const depth = (channels / group) * cells;
  const kernels = e.reshape(w, [group, w.dims[0]! / group, depth]);
  const product = e.matMul(kernels, e.reshape(columns, [batch, group, depth, points]));
  const map = e.reshape(product, [batch, ...y.dims.slice(1)]);
  return context.has(3) ? e.add(map, channelColumn(context, context.input(3))) : map;
});

/** Where the cells of the kernel would read without offsets: kernel cell by kernel cell, for all places of the output. */
function regularPlaces({ kernel, output, strides, dilations, padBegin }: Window, axis: number): number[] {
  const [, columns] = [kernel[0]!, kernel[1]!];
  const [, width] = [output[0]!, output[1]!];
  const places = sizeOf(output);
  return range(sizeOf(kernel) * places).map(index => {
    const [cell, place] = [Math.floor(index / places), index % places];
    const k = axis === 0 ? Math.floor(cell / columns) : cell % columns;
    const at = axis === 0 ? Math.floor(place / width) : place % width;
    return at * strides[axis]! - padBegin[axis]! + k * dilations[axis]!;
  });
}

const channelColumn = ({ emit }: NodeContext, bias: Value): Value => emit.reshape(bias, [1, bias.dims[0]!, 1, 1]);
