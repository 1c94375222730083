import type { Rule } from '../rule.ts';
import { range, sizeOf } from '../value.ts';

/** Col2Im adds blocks into an image: its transpose takes them out again, a depthwise convolution with one-hot kernels. */
export const col2Im: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    const y = context.output();
    const block = context.constantInput(2) ?? context.fail('its block_shape varies at run time');
    const rank = block.length;
    const image = y.dims.slice(2);
    const channels = y.dims[1]!;
    if (channels === -1 || image.includes(-1)) context.fail('its image has a dynamic size');
    const strides = node.attributes.ints('strides', Array(rank).fill(1));
    const dilations = node.attributes.ints('dilations', Array(rank).fill(1));
    const pads = node.attributes.ints('pads', Array(2 * rank).fill(0));
    const cells = sizeOf(block);
    const kernels = range(channels).flatMap(() => range(cells ** 2).map(index => (index % (cells + 1) === 0 ? 1 : 0)));
    const weight = emit.constant(kernels, y.type, [channels * cells, 1, ...block]);
    const places = range(rank).map(axis => {
      const reach = dilations[axis]! * (block[axis]! - 1) + 1;
      return Math.floor((image[axis]! + pads[axis]! + pads[axis + rank]! - reach) / strides[axis]!) + 1;
    });
    const attributes = { group: channels, kernel_shape: block, strides, dilations, pads };
    const dims = [y.dims[0]!, channels * cells, ...places];
    const columns = emit.node('Conv', [context.fullGradient, weight], { type: y.type, dims }, attributes);
    context.add(0, emit.reshapeLike(columns, context.input()));
  },
};
