import { Session } from '../engine/session.ts';
import type { Tensor } from '../engine/tensor.ts';
import { serializeModel } from '../model/file/serialize-model.ts';
import { Graph, makeNode } from '../model/graph/graph.ts';
import { makeTensorProto } from '../model/graph/tensor-values.ts';
import { makeValueInfo } from '../model/graph/value-info.ts';
import type { NetworkSessionOptions } from './planned-session.ts';

const CHANNELS = 16;
/** A picture of 255 times weights of 127 is a sum of products that overflow 16 bits by twos. */
const SIZE = 6;

let known: Promise<number> | undefined;

/**
 * The largest int8 weight that is multiplied right: 127, or 63 on CPUs of x86 without VNNI instructions, where ONNX Runtime
 * adds two products of uint8 and int8 in 16 bits, which saturate. The runtime itself is asked, once.
 */
export function int8Levels(options: NetworkSessionOptions): Promise<number> {
  known ??= multipliesRight(options).then(right => (right ? 127 : 63));
  // A failure must not be remembered.
  known.catch(() => {
    known = undefined;
  });
  return known;
}

/** A dense and a depthwise convolution of values as large as they get. */
async function multipliesRight({ libraryPath }: NetworkSessionOptions): Promise<boolean> {
  const sums = { dense: CHANNELS * 9, depthwise: 9 };
  const results = await Promise.all(
    Object.entries(sums).map(async ([kind, products]) => {
      const { model } = serializeModel(convolution(kind === 'dense' ? 1 : CHANNELS, 127 * products));
      const session = await Session.create(model, { libraryPath, intraOpNumThreads: 1 });
      try {
        const picture: Tensor<'uint8'> = {
          type: 'uint8',
          data: new Uint8Array(CHANNELS * SIZE * SIZE).fill(255),
          dims: [1, CHANNELS, SIZE, SIZE],
        };
        const { y } = await session.run({ x: picture }, ['y']);
        return (y!.data as Uint8Array).every(value => value === 255);
      } finally {
        await session.dispose();
      }
    }),
  );
  return results.every(Boolean);
}

/** Weights of 127 without padding; sums are divided by `divisor`, which leaves 255 of a picture of 255. */
function convolution(group: number, divisor: number): Graph {
  const dims = [CHANNELS, CHANNELS / group, 3, 3];
  const weight = new Int8Array(dims.reduce((a, b) => a * b)).fill(127);
  const constants = [
    makeTensorProto('one', 'float32', [], Float32Array.of(1)),
    makeTensorProto('divisor', 'float32', [], Float32Array.of(divisor)),
    makeTensorProto('zero', 'uint8', [], Uint8Array.of(0)),
    makeTensorProto('weight', 'int8', dims, weight),
    makeTensorProto('steps', 'float32', [CHANNELS], new Float32Array(CHANNELS).fill(1)),
    makeTensorProto('zeros', 'int8', [CHANNELS], new Int8Array(CHANNELS)),
  ];
  const inputs = ['x', 'one', 'zero', 'weight', 'steps', 'zeros', 'divisor', 'zero'];
  return new Graph({
    inputs: [makeValueInfo('x', 'uint8', [1, CHANNELS, SIZE, SIZE])],
    outputs: [makeValueInfo('y', 'uint8', [1, CHANNELS, SIZE - 2, SIZE - 2])],
    nodes: [makeNode('QLinearConv', inputs, ['y'], { group })],
    initializers: new Map(constants.map(proto => [proto.name, proto])),
    opsets: new Map([['', 13]]),
    irVersion: 8n,
  });
}
