import fc from 'fast-check';
import { float } from '../../lib/model/graph/attributes.ts';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel, int64, noise, type WeightSpec } from './model-builder.ts';

/** Sets of operators that differ in what exports and networks are written in. */
export const OPSETS = [7, 8, 9, 10, 11, 12, 13, 15, 17, 18, 21] as const;
const ACTIVATIONS = ['Relu', 'LeakyRelu', 'Elu', 'Sigmoid', 'Tanh', 'Softplus', 'silu', 'relu6', 'none'] as const;
const HEADS = ['average', 'mean', 'largest', 'flatten'] as const;

const BLOCK = fc.record({
  kind: fc.constantFrom('plain', 'residual', 'concat', 'depthwise'),
  channels: fc.integer({ min: 1, max: 6 }),
  kernel: fc.constantFrom(1, 3),
  stride: fc.constantFrom(1, 1, 2),
  dilation: fc.constantFrom(1, 1, 2),
  norm: fc.boolean(),
  activation: fc.constantFrom(...ACTIVATIONS),
  pool: fc.constantFrom('none', 'none', 'MaxPool', 'AveragePool'),
});

/** A small convolutional classifier of pictures, said in numbers. */
export const NETWORK = fc.record({
  opset: fc.constantFrom(...OPSETS),
  channelsLast: fc.boolean(),
  /** A picture's channels. */
  channels: fc.constantFrom(1, 3),
  height: fc.integer({ min: 10, max: 20 }),
  width: fc.integer({ min: 10, max: 20 }),
  batch: fc.constantFrom('N', 'N', 1, 2),
  blocks: fc.array(BLOCK, { minLength: 1, maxLength: 4 }),
  head: fc.constantFrom(...HEADS),
  linear: fc.constantFrom('Gemm', 'MatMul', 'Conv'),
  classes: fc.integer({ min: 2, max: 6 }),
  end: fc.constantFrom('none', 'none', 'Softmax', 'Sigmoid'),
  seed: fc.integer({ min: 1, max: 1000 }),
});

type Network = typeof NETWORK extends fc.Arbitrary<infer T> ? T : never;
type Block = Network['blocks'][number];

/** A tensor [N, channels, height, width] between two layers. */
interface Plane {
  readonly name: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Halved, it would have so few positions that the sign of a principal component is a matter of rounding. */
const isSmall = ({ height, width }: Plane): boolean => height < 6 || width < 6;

/** Writes a network down in the operators of its opset. */
class Writer {
  readonly nodes: GraphNode[] = [];
  readonly weights: Record<string, WeightSpec> = {};
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  op(op: string, inputs: readonly string[], attributes: Parameters<typeof makeNode>[3] = {}): string {
    const name = `${op.toLowerCase()}_${this.nodes.length}`;
    this.nodes.push(makeNode(op, inputs, [name], attributes, { name: `node_${this.nodes.length}` }));
    return name;
  }

  weight(dims: readonly number[], amount: number): string {
    const seed = this.#network.seed * 100 + Object.keys(this.weights).length;
    return this.#keep(noise(dims, seed, amount));
  }

  #keep(weight: WeightSpec): string {
    const name = `w${Object.keys(this.weights).length}`;
    this.weights[name] = weight;
    return name;
  }

  #positive(count: number): string {
    const { data } = noise([count], this.#network.seed, 0.4);
    return this.#keep({ dims: [count], data: data.map(value => value + 0.6) });
  }

  block(x: Plane, block: Block): Plane {
    return this.#pooled(this.#activated(this.#mixed(x, block), block.activation), block.pool);
  }

  #mixed(x: Plane, given: Block): Plane {
    const block: Block = isSmall(x) ? { ...given, stride: 1 } : given;
    const { kind, channels } = block;
    if (kind === 'residual') {
      const inner = this.#activated(this.#conv(x, { ...block, stride: 1 }, x.channels), block.activation);
      const back = this.#conv(inner, { ...block, stride: 1 }, x.channels);
      return { ...x, name: this.op('Add', [x.name, back.name]) };
    }
    if (kind === 'concat') {
      const parts = [
        this.#conv(x, { ...block, kernel: 1 }, channels),
        this.#conv(x, { ...block, kernel: 3 }, channels),
      ];
      const name = this.op(
        'Concat',
        parts.map(part => part.name),
        { axis: 1 },
      );
      return { ...parts[0]!, name, channels: 2 * channels };
    }
    return kind === 'depthwise' ? this.#conv(x, block, x.channels, x.channels) : this.#conv(x, block, channels);
  }

  #conv(x: Plane, { kernel, stride, dilation, norm }: Block, to: number, group = 1): Plane {
    const from = x.channels / group;
    const pad = (dilation * (kernel - 1)) / 2;
    const inputs = [x.name, this.weight([to, from, kernel, kernel], 1.8 / Math.sqrt(from * kernel * kernel))];
    if (!norm) inputs.push(this.weight([to], 0.2));
    const name = this.op('Conv', inputs, {
      group,
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      dilations: [dilation, dilation],
    });
    const side = (size: number) => Math.floor((size - 1) / stride) + 1;
    const made = { name, channels: to, height: side(x.height), width: side(x.width) };
    if (!norm) return made;
    const [gamma, beta, mean, variance] = [
      this.#positive(to),
      this.weight([to], 0.2),
      this.weight([to], 0.2),
      this.#positive(to),
    ];
    return { ...made, name: this.op('BatchNormalization', [name, gamma, beta, mean, variance]) };
  }

  #activated(x: Plane, activation: Block['activation']): Plane {
    return { ...x, name: this.#activation(x.name, activation) };
  }

  #activation(x: string, activation: Block['activation']): string {
    if (activation === 'none') return x;
    if (activation === 'silu') return this.op('Mul', [x, this.op('Sigmoid', [x])]);
    if (activation !== 'relu6') return this.op(activation, [x]);
    if (this.#network.opset < 11) return this.op('Clip', [x], { min: float(0), max: float(6) });
    const bounds = [0, 6].map(value => this.#keep({ dims: [], data: Float32Array.of(value) }));
    return this.op('Clip', [x, ...bounds]);
  }

  #pooled(x: Plane, pool: Block['pool']): Plane {
    if (pool === 'none' || isSmall(x)) return x;
    const name = this.op(pool, [x.name], { kernel_shape: [2, 2], strides: [2, 2] });
    return { ...x, name, height: Math.floor(x.height / 2), width: Math.floor(x.width / 2) };
  }

  scores(x: Plane): string {
    const { head, linear, classes, end, batch } = this.#network;
    const pooled = this.#head(x);
    const width = head === 'flatten' ? x.channels * x.height * x.width : x.channels;
    const amount = 2 / Math.sqrt(width);
    const ended = (scores: string) =>
      end === 'none' ? scores : this.op(end, [scores], end === 'Softmax' ? { axis: 1 } : {});
    if (linear === 'Conv' && head !== 'flatten') {
      const kernel = this.weight([classes, width, 1, 1], amount);
      const planes = this.op('Conv', [this.op('Reshape', [pooled, this.#keep(int64(0, width, 1, 1))]), kernel]);
      return ended(this.op('Flatten', [planes]));
    }
    const count = typeof batch === 'number' ? batch : -1;
    const flat = this.op('Reshape', [pooled, this.#keep(int64(count, width))]);
    if (linear === 'Gemm')
      return ended(
        this.op('Gemm', [flat, this.weight([classes, width], amount), this.weight([classes], 0.2)], { transB: 1 }),
      );
    return ended(
      this.op('Add', [this.op('MatMul', [flat, this.weight([width, classes], amount)]), this.weight([classes], 0.2)]),
    );
  }

  #head({ name }: Plane): string {
    const { head, opset, channelsLast } = this.#network;
    if (head === 'average') return this.op('GlobalAveragePool', [name]);
    if (head === 'largest') return this.op('GlobalMaxPool', [name]);
    if (head === 'flatten') return this.op('Flatten', [name]);
    const planes = channelsLast ? this.op('Transpose', [name], { perm: [0, 2, 3, 1] }) : name;
    const axes = channelsLast ? [1, 2] : [2, 3];
    return opset < 18
      ? this.op('ReduceMean', [planes], { axes, keepdims: 0 })
      : this.op('ReduceMean', [planes, this.#keep(int64(...axes))], { keepdims: 0 });
  }
}

/** Of the network's pictures, the first of them how many it takes. */
export const pictureDims = <N extends number | string>(
  { channelsLast, channels, height, width }: Network,
  count: N,
): [N, number, number, number] => (channelsLast ? [count, height, width, channels] : [count, channels, height, width]);

/** The network as an ONNX file; its picture is `x`, its scores [N, classes] are `y`. */
export function writeNetwork(network: Network): Uint8Array<ArrayBuffer> {
  const { opset, channelsLast, channels, height, width, batch, blocks, classes } = network;
  const writer = new Writer(network);
  const name = channelsLast ? writer.op('Transpose', ['x'], { perm: [0, 3, 1, 2] }) : 'x';
  const last = blocks.reduce<Plane>((x, block) => writer.block(x, block), { name, channels, height, width });
  writer.nodes.push(makeNode('Identity', [writer.scores(last)], ['y']));
  return buildModel({
    opset,
    nodes: writer.nodes,
    inputs: [{ name: 'x', dims: pictureDims(network, batch) }],
    outputs: [{ name: 'y', dims: [batch, classes] }],
    initializers: writer.weights,
  });
}
