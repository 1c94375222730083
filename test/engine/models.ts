import type { Tensor } from '../../lib/engine/tensor.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';

/** y = x + w for a vector of four, w = [1, 2, 3, 4]. */
export function addModel(): Uint8Array<ArrayBuffer> {
  return buildModel({
    nodes: [makeNode('Add', ['x', 'w'], ['y'])],
    inputs: [{ name: 'x', dims: ['n'] }],
    outputs: [{ name: 'y', dims: ['n'] }],
    initializers: { w: { dims: [4], data: [1, 2, 3, 4] } },
  });
}

/** `nodes` matrix products in a row: a run that takes long, in steps between which it can be ended. */
export function slowModel({ nodes = 150, size = 384 } = {}): Uint8Array<ArrayBuffer> {
  const chain = Array.from({ length: nodes }, (_, index) =>
    makeNode('MatMul', [index === 0 ? 'x' : `h${index}`, 'w'], [index === nodes - 1 ? 'y' : `h${index + 1}`]),
  );
  return buildModel({
    nodes: chain,
    inputs: [{ name: 'x', dims: ['n', size] }],
    outputs: [{ name: 'y', dims: ['n', size] }],
    // Variance 1/size keeps the products' scale, so that no denormals distort the time.
    initializers: { w: noise([size, size], 1, Math.sqrt(3 / size)) },
  });
}

export function slowInput(rows = 768, size = 384): Tensor<'float32'> {
  return vector(noise([rows, size], 2).data, [rows, size]);
}

export function vector(values: Iterable<number>, dims?: readonly number[]): Tensor<'float32'> {
  const data = values instanceof Float32Array ? values : Float32Array.from(values);
  return { type: 'float32', data, dims: dims ?? [data.length] };
}
