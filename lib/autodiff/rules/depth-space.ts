import type { Rule } from '../rule.ts';

/** DepthToSpace: SpaceToDepth is its inverse in mode DCR; CRD keeps the block last among the channels. */
export const depthToSpace: Rule = {
  backward: context => {
    const { emit, node } = context;
    const g = context.fullGradient;
    const x = context.input();
    const blocksize = node.attributes.int('blocksize', 1);
    if (node.attributes.string('mode', 'DCR') === 'DCR')
      return context.add(0, emit.node('SpaceToDepth', [g], x, { blocksize }));
    const [batch, channels, height, width] = x.dims as [number, number, number, number];
    const inner = channels / blocksize ** 2;
    const split = emit.reshape(g, [batch, inner, height, blocksize, width, blocksize]);
    context.add(0, emit.reshapeLike(emit.transpose(split, [0, 1, 3, 5, 2, 4]), x));
  },
};

export const spaceToDepth: Rule = {
  backward: context => {
    const { emit, node } = context;
    const blocksize = node.attributes.int('blocksize', 1);
    context.add(0, emit.node('DepthToSpace', [context.fullGradient], context.input(), { blocksize }));
  },
};
