import { type AttributeValue, floats } from '../../model/graph/attributes.ts';
import { scale } from '../blocked.ts';
import { expand } from '../broadcast.ts';
import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range, replaceAt, sizeOf, type Value } from '../value.ts';
import { multiplyAlong } from './slice.ts';

/**
 * Resize and Upsample. Enlarging by whole factors without interpolation sums each block of copies. Everything else is
 * linear and separable: per axis the output is M·x, so the gradient is Mᵀ·g, where M comes from the same operator
 * applied to an identity matrix along that axis. So every coordinate convention and every kernel is right without its
 * formula, and the runtime folds M when it loads the graph.
 */
export const resize: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    const [x, y] = [context.input(), context.output()];
    const axes = range(x.dims.length).filter(axis => x.dims[axis] !== y.dims[axis]);
    if (axes.some(axis => x.dims[axis] === -1 || y.dims[axis] === -1)) context.fail('it resizes a dynamic axis');
    const coordinates = node.attributes.string('coordinate_transformation_mode', 'half_pixel');
    if (coordinates === 'tf_crop_and_resize') context.fail('it resizes a region of interest');
    if (
      node.attributes.int('antialias', 0) === 1 ||
      node.attributes.string('keep_aspect_ratio_policy', 'stretch') !== 'stretch'
    )
      context.fail('antialias and keep_aspect_ratio_policy are not supported');
    if (axes.length === 0) return context.add(0, context.gradient);
    const g = expand(emit, context.gradient, y, axes);
    const factors = x.dims.map((size, axis) => (axes.includes(axis) ? y.dims[axis]! / size : 1));
    if (copiesWholeBlocks(context, factors)) return context.add(0, blockSums(emit, g, factors, x));
    context.add(
      0,
      axes.reduce((value, axis) => {
        const matrix = resizeMatrix(context, axis);
        return multiplyAlong(context, value, axis, matrix, x.dims[axis]!);
      }, g),
    );
  },
};

/** Nearest neighbour by whole factors, in the conventions in which each cell becomes one block. */
function copiesWholeBlocks(context: NodeContext, factors: readonly number[]): boolean {
  const { attributes } = context.node;
  if (attributes.string('mode', 'nearest') !== 'nearest' || !factors.every(Number.isInteger)) return false;
  // The sums are taken by an average pool, over spatial axes only.
  if (factors[0] !== 1 || factors[1] !== 1 || factors.length > 5) return false;
  if (context.node.op === 'Upsample' || context.emit.opset < 11) return true;
  const coordinates = attributes.string('coordinate_transformation_mode', 'half_pixel');
  const rounding = attributes.string('nearest_mode', 'round_prefer_floor');
  if (coordinates === 'asymmetric') return rounding === 'floor';
  return (
    (coordinates === 'half_pixel' || coordinates === 'half_pixel_symmetric') && rounding.startsWith('round_prefer')
  );
}

function blockSums(e: Emitter, g: Value, factors: readonly number[], x: Value): Value {
  const kernel = factors.slice(2);
  const dims = x.dims.map((size, axis) => (factors[axis] === 1 ? g.dims[axis]! : size));
  const mean = e.node('AveragePool', [g], { type: g.type, dims }, { kernel_shape: kernel, strides: kernel });
  return scale(e, mean, sizeOf(kernel));
}

/** The operator applied to an identity matrix: [output size, input size], a constant. */
function resizeMatrix(context: NodeContext, axis: number): Value {
  const { emit } = context;
  const [x, y] = [context.input(), context.output()];
  const [from, to] = [x.dims[axis]!, y.dims[axis]!];
  // Rows of the identity as channels, so that only the last axis is resized; linear modes want four axes.
  const identity = emit.constant(
    range(from * from).map(index => (index % (from + 1) === 0 ? 1 : 0)),
    x.type,
    [1, from, 1, from],
  );
  const resized = applied(context, identity, axis, to);
  return emit.transpose(emit.reshape(resized, [from, to]), [1, 0]);
}

function applied(context: NodeContext, identity: Value, axis: number, to: number): Value {
  const { emit, node } = context;
  const output = { type: identity.type, dims: replaceAt(identity.dims, 3, to) };
  const attributes: Record<string, AttributeValue> = {};
  for (const proto of node.attributes.protos)
    if (proto.name !== 'axes' && proto.name !== 'scales') attributes[proto.name] = proto;
  const region = emit.opset < 13 ? emit.constant([], 'float32', [0]) : undefined;
  // Sizes and scales lead to different coordinates where the scaled size is not whole: keep what the node has.
  if (node.op === 'Resize' && context.has(3)) {
    const sizes = emit.ints([...identity.dims.slice(0, 3), to]);
    return emit.node('Resize', [identity, region, region, sizes], output, attributes);
  }
  const scales = [1, 1, 1, scaleOf(context, axis)];
  if (node.op === 'Upsample' && !context.has(1))
    return emit.node('Upsample', [identity], output, { ...attributes, scales: floats(scales) });
  const given = emit.constant(scales, 'float32', [4]);
  const inputs = node.op === 'Upsample' || emit.opset < 11 ? [identity, given] : [identity, region, given];
  return emit.node(node.op, inputs, output, attributes);
}

/** The node's scale along an axis: an attribute of the oldest Upsample, else an input, of some axes since opset 18. */
function scaleOf(context: NodeContext, axis: number): number {
  const { node } = context;
  const position = node.op === 'Upsample' || context.emit.opset < 11 ? 1 : 2;
  const rank = context.input().dims.length;
  const axes = node.attributes.ints('axes', range(rank)).map(item => positiveAxis(item, rank));
  const scales = node.attributes.floats('scales') ?? context.constantInput(position);
  return scales?.[axes.indexOf(axis)] ?? context.fail('its scales vary at run time');
}
