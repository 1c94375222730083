import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel, int64, noise, type WeightSpec } from './model-builder.ts';

type Attributes = Parameters<typeof makeNode>[3];

/** A network written down operator by operator, with random weights. Its picture `x` has [N,3,24,40]. */
export class Sketch {
  readonly #nodes: ReturnType<typeof makeNode>[] = [];
  readonly #weights: Record<string, WeightSpec> = {};

  op(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.ops(op, inputs, attributes, 1)[0]!;
  }

  ops(op: string, inputs: readonly string[], attributes: Attributes, count: number): string[] {
    const first = `${op}_${this.#nodes.length}`;
    const outputs = Array.from({ length: count }, (_, i) => (count === 1 ? first : `${first}_${i}`));
    this.#nodes.push(makeNode(op, [...inputs], outputs, attributes, { name: `node ${first}` }));
    return outputs;
  }

  weight(dims: readonly number[], amount = 0.5): string {
    return this.#named(noise(dims, Object.keys(this.#weights).length + 1, amount));
  }

  positive(dims: readonly number[]): string {
    const { data } = noise(dims, Object.keys(this.#weights).length + 1, 0.4);
    return this.#named({ dims, data: data.map(value => value + 0.5) });
  }

  scalar(value: number): string {
    return this.#named({ dims: [], data: Float32Array.of(value) });
  }

  ints(...values: number[]): string {
    return this.#named(int64(...values));
  }

  factors(...values: number[]): string {
    return this.#named({ dims: [values.length], data: Float32Array.from(values) });
  }

  index(value: number): string {
    return this.#named({ dims: [], type: 'int64', data: [value] });
  }

  #named(weight: WeightSpec): string {
    const name = `weight_${Object.keys(this.#weights).length}`;
    this.#weights[name] = weight;
    return name;
  }

  conv(x: string, from: number, to: number, kernel = 3, stride = 1): string {
    const pad = stride === kernel ? 0 : Math.floor(kernel / 2);
    return this.op('Conv', [x, this.weight([to, from, kernel, kernel], 1.5 / Math.sqrt(from * kernel * kernel))], {
      pads: [pad, pad, pad, pad],
      strides: [stride, stride],
    });
  }

  relu(x: string): string {
    return this.op('Relu', [x]);
  }

  /** Residual block of convolutions. */
  block(x: string, channels: number): string {
    return this.relu(this.op('Add', [x, this.conv(this.relu(this.conv(x, channels, channels)), channels, channels)]));
  }

  linear(x: string, from: number, to: number): string {
    return this.op('Add', [
      this.op('MatMul', [x, this.weight([from, to], 1.2 / Math.sqrt(from))]),
      this.weight([to], 0.1),
    ]);
  }

  norm(x: string, width: number): string {
    return this.op('LayerNormalization', [x, this.weight([width], 0.8), this.weight([width], 0.2)], { axis: -1 });
  }

  reshape(x: string, ...dims: number[]): string {
    return this.op('Reshape', [x, this.ints(...dims)]);
  }

  transpose(x: string, ...perm: number[]): string {
    return this.op('Transpose', [x], { perm });
  }

  slice(x: string, axis: number, start: number, end: number, step = 1): string {
    return this.op('Slice', [x, this.ints(start), this.ints(end), this.ints(axis), this.ints(step)]);
  }

  pick(x: string, axis: number, index: number): string {
    return this.op('Gather', [x, this.index(index)], { axis });
  }

  /** Mean over positions of [N,C,h,w], as [N,C]. */
  pool(x: string): string {
    return this.op('Flatten', [this.op('GlobalAveragePool', [x])]);
  }

  /** [N,C,6,10] of patches of 4×4 pixels. */
  patches(channels: number, x = 'x'): string {
    return this.conv(x, 3, channels, 4, 4);
  }

  /** [N,60,C] from [N,C,6,10]. */
  tokens(x: string, channels: number): string {
    return this.transpose(this.reshape(x, 0, channels, -1), 0, 2, 1);
  }

  /** Learnt tokens [N,count,width], N being that of another tensor. */
  learnt(like: string, count: number, width: number): string {
    const shape = this.op('Concat', [this.slice(this.op('Shape', [like]), 0, 0, 1), this.ints(count, width)], {
      axis: 0,
    });
    return this.op('Expand', [this.weight([1, count, width]), shape]);
  }

  /** Class tokens before the tokens of [N,T,C]. */
  withClass(tokens: string, width: number, count = 1): string {
    const classes = Array.from({ length: count }, () => this.learnt(tokens, 1, width));
    return this.op('Concat', [...classes, tokens], { axis: 1 });
  }

  /** Single-headed attention of queries [N,Q,C] over [N,T,C], small, so that each token stays mostly itself. */
  attention(queries: string, keys: string, width: number): string {
    const [q, k, v] = [queries, keys, keys].map(x => this.linear(x, width, width)) as [string, string, string];
    const scores = this.op('MatMul', [q, this.transpose(k, 0, 2, 1)]);
    const weights = this.op('Softmax', [this.op('Mul', [scores, this.scalar(0.3)])], { axis: -1 });
    return this.op('Mul', [this.op('MatMul', [weights, v]), this.scalar(0.3)]);
  }

  /** Pre-norm transformer block of [N,T,C]. */
  encoder(x: string, width: number, mix?: (normed: string) => string): string {
    const normed = this.norm(x, width);
    const attended = this.op('Add', [x, mix ? mix(normed) : this.attention(normed, normed, width)]);
    const hidden = this.op('Tanh', [this.linear(this.norm(attended, width), width, 2 * width)]);
    return this.op('Add', [attended, this.linear(hidden, 2 * width, width)]);
  }

  /** Bytes of the model whose scores [N,5] are linear in a vector [N,C]. */
  classify(vector: string, channels: number): Uint8Array<ArrayBuffer> {
    return this.finish(this.linear(vector, channels, 5));
  }

  finish(scores: string, dims: readonly (number | string)[] = ['N', 5]): Uint8Array<ArrayBuffer> {
    return buildModel({
      nodes: [...this.#nodes, makeNode('Identity', [scores], ['logits'])],
      inputs: [{ name: 'x', dims: ['N', 3, 24, 40] }],
      outputs: [{ name: 'logits', dims }],
      initializers: this.#weights,
    });
  }
}
