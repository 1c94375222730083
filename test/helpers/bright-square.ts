import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel } from './model-builder.ts';

/**
 * x [N,3,height,width] in 0..1 → the layer "bright" [N,2,height/cell,width/cell], both channels the mean of each cell, → two
 * scores, the picture's brightness and its opposite. Grad-CAM of the first shows the layer itself, that of the second nothing.
 */
export function brightModel(width: number, height: number, cell = 1): Uint8Array<ArrayBuffer> {
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { kernel_shape: [cell, cell], strides: [cell, cell] }),
      makeNode('Relu', ['c'], ['bright'], {}, { name: 'bright' }),
      makeNode('GlobalAveragePool', ['bright'], ['p']),
      makeNode('Flatten', ['p'], ['f'], { axis: 1 }),
      makeNode('Gemm', ['f', 'head'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, height, width] }],
    outputs: [{ name: 'y', dims: ['N', 2] }],
    initializers: {
      w: { dims: [2, 3, cell, cell], data: new Float32Array(6 * cell * cell).fill(1 / (3 * cell * cell)) },
      head: { dims: [2, 2], data: Float32Array.of(1, 1, -1, -1) },
    },
  });
}

/** White on black, RGB. */
export function squareOn(
  [width, height]: readonly [number, number],
  [x, y, w, h]: readonly [number, number, number, number],
): { data: Uint8Array; info: { width: number; height: number; channels: 3 } } {
  const data = new Uint8Array(3 * width * height);
  for (let row = y; row < y + h; row++) data.fill(255, 3 * (row * width + x), 3 * (row * width + x + w));
  return { data, info: { width, height, channels: 3 } };
}
