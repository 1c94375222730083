import type { Tensor } from '../../lib/engine/tensor.ts';
import type { ExplainResult } from '../../lib/explain/result-type.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { Explanation } from '../../lib/result/explanation.ts';
import { buildModel, type ModelSpec, noise } from './model-builder.ts';

/** Networks that show what `explain` does with their activations and scores; most have 5 classes. */

export const CLASSES = 5;

/**
 * A = ReLU(x), which is x itself for positive inputs, so that changing the input changes the layer; then a tail that
 * bends: A → 1×1 convolution → Tanh → mean → linear. Input [N,3,4,4].
 */
export function transparentModel({ end = 'Identity', classes = CLASSES, batch = 'N' as number | string } = {}) {
  return buildModel({
    nodes: [
      makeNode('Relu', ['x'], ['a'], {}, { name: 'features' }),
      makeNode('Conv', ['a', 'w'], ['c'], {}, { name: 'mix' }),
      makeNode('Tanh', ['c'], ['t'], {}, { name: 'bend' }),
      makeNode('Flatten', ['t'], ['f'], {}, { name: 'flatten' }),
      makeNode('Gemm', ['f', 'wf', 'bf'], ['z'], { transB: 1 }, { name: 'head' }),
      makeNode(end, ['z'], ['y'], end === 'Softmax' ? { axis: 1 } : {}, { name: 'end' }),
    ],
    inputs: [{ name: 'x', dims: [batch, 3, 4, 4] }],
    outputs: [{ name: 'y', dims: [batch, classes] }],
    initializers: {
      w: noise([4, 3, 1, 1], 11),
      wf: noise([classes, 64], 12, 0.6),
      bf: noise([classes], 13),
    },
  });
}

/** Positive values, so that the transparent model's ReLU hands them on. */
export function positiveTensor(dims: readonly number[], seed = 1): Tensor<'float32'> {
  return { type: 'float32', data: noise(dims, seed).data.map(value => 0.6 + 0.4 * value), dims };
}

export function noiseImage(dims: readonly number[], seed = 1): Tensor<'float32'> {
  return { type: 'float32', data: noise(dims, seed).data, dims };
}

/**
 * Its activation is the picture's brightness in cells of 4×4 pixels: class 0 sums it up, class 1 its negative. The
 * input takes 0..255 ('raw') of any size, or of the size given; `channels` weighs red, green and blue.
 */
export function brightnessModel({
  height = 'H' as number | string,
  width = 'W' as number | string,
  channels = [1, 1, 1] as readonly number[],
} = {}) {
  const cell = channels.flatMap(weight => new Array<number>(16).fill(weight / 48 / 255));
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'mean'], ['g'], { kernel_shape: [4, 4], strides: [4, 4] }),
      makeNode('Relu', ['g'], ['bright'], {}, { name: 'bright' }),
      makeNode('GlobalAveragePool', ['bright'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, height, width] }],
    outputs: [{ name: 'y', dims: ['N', 2] }],
    initializers: {
      mean: { dims: [2, 3, 4, 4], data: [...cell, ...cell] },
      wf: { dims: [2, 2], data: [0.5, 0.5, -0.5, -0.5] },
    },
  });
}

/** Conv-ReLU-pool networks with one thing that is unusual. Input x [N,C,16,16] or as given. */
export interface PlainOptions {
  readonly channels?: number;
  readonly classes?: number;
  readonly batch?: number | string;
  readonly size?: readonly [height: number | string, width: number | string];
  /** Operator behind the linear layer. */
  readonly end?: 'Softmax' | 'Sigmoid' | 'LogSoftmax';
  /** The head is a 1×1 convolution, scores [N,K,1,1]. */
  readonly convolutional?: boolean;
  readonly weights?: Readonly<
    Record<string, ModelSpec['initializers'] extends infer W ? NonNullable<W>[keyof W] : never>
  >;
}

export function plainSpec({
  channels = 3,
  classes = CLASSES,
  batch = 'N',
  size = [16, 16],
  end,
  convolutional = false,
  weights,
}: PlainOptions = {}) {
  const scores = end ? 'z' : 'y';
  return {
    nodes: [
      makeNode('Conv', ['x', 'w1'], ['c1'], { pads: [1, 1, 1, 1], strides: [2, 2] }, { name: 'conv1' }),
      makeNode('Relu', ['c1'], ['r1'], {}, { name: 'relu1' }),
      makeNode('Conv', ['r1', 'w2'], ['c2'], { pads: [1, 1, 1, 1], strides: [2, 2] }, { name: 'conv2' }),
      makeNode('Relu', ['c2'], ['r2'], {}, { name: 'relu2' }),
      makeNode('GlobalAveragePool', ['r2'], ['p'], {}, { name: 'pool' }),
      ...(convolutional
        ? [makeNode('Conv', ['p', 'wc'], [scores], {}, { name: 'head' })]
        : [
            makeNode('Flatten', ['p'], ['f'], {}, { name: 'flatten' }),
            makeNode('Gemm', ['f', 'wf', 'bf'], [scores], { transB: 1 }, { name: 'head' }),
          ]),
      ...(end ? [makeNode(end, ['z'], ['y'], end === 'Sigmoid' ? {} : { axis: 1 }, { name: 'end' })] : []),
    ],
    inputs: [{ name: 'x', dims: [batch, channels, ...size] }],
    outputs: [{ name: 'y', dims: convolutional ? [batch, classes, 1, 1] : [batch, classes] }],
    initializers: {
      w1: noise([6, channels, 3, 3], 21, 0.5),
      w2: noise([8, 6, 3, 3], 22, 0.4),
      ...(convolutional
        ? { wc: noise([classes, 8, 1, 1], 23) }
        : { wf: noise([classes, 8], 23), bf: noise([classes], 24) }),
      ...weights,
    },
  } satisfies ModelSpec;
}

export const plainModel = (options?: PlainOptions) => buildModel(plainSpec(options));

/** Every explanation of a result, in order. */
export function flat(result: ExplainResult): Explanation[] {
  return result instanceof Explanation ? [result] : result.flatMap(flat);
}

/** A result that must be one explanation. */
export function one(result: ExplainResult): Explanation {
  if (result instanceof Explanation) return result;
  throw new Error(`an array of ${result.length} instead of one explanation`);
}

/** The lengths of the arrays on the first branch: [images, methods, …]. */
export function shapeOf(result: ExplainResult): number[] {
  return result instanceof Explanation ? [] : [result.length, ...shapeOf(result[0]!)];
}
