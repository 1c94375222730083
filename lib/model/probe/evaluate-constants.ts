import { toInt64s } from '../../common/sizes.ts';
import { elementCount, type Tensor } from '../../engine/tensor.ts';
import { isShapeOnly, neededNodes } from '../graph/data-flow.ts';
import { type Graph, type GraphNode, makeNode } from '../graph/graph.ts';
import { dependenciesOf } from '../graph/subgraphs.ts';
import { makeValueInfo } from '../graph/value-info.ts';
import { type InferredType, shapeOf } from './infer-shapes.ts';
import { isFloat, isSmall } from './kept-values.ts';
import { partOf } from './part-of.ts';
import { type CreateSession, withProbe } from './probe-session.ts';
import type { ProbingInputs } from './probing-feeds.ts';

export interface Known {
  /** Of everything that nodes make, sequences and strings left out. */
  readonly types: Map<string, InferredType>;
  /** Of tensors that do not depend on the input. */
  readonly values: Map<string, Tensor>;
}

/** Other values in every run. */
const RANDOM: ReadonlySet<string> = new Set(['Bernoulli', 'Multinomial', 'RandomNormal', 'RandomUniform']);

interface ConstantOptions extends ProbingInputs {
  readonly batch: number;
  readonly earlier?: Known;
  readonly signal?: AbortSignal;
}

/** What follows from the weights and the known sizes of a graph; `types` and `values` get what is learnt. */
export class Constants implements Known {
  readonly types: Known['types'];
  readonly values: Known['values'] = new Map();
  readonly #graph: Graph;
  readonly #createSession: CreateSession;
  readonly #options: ConstantOptions;
  readonly #computable = new Set<string>();
  /** The same as for the earlier batch. */
  readonly #same: Set<string>;

  constructor(graph: Graph, types: Known['types'], createSession: CreateSession, options: ConstantOptions) {
    this.types = types;
    this.#graph = graph;
    this.#createSession = createSession;
    this.#options = options;
    this.#same = new Set(graph.initializers.keys());
  }

  /**
   * Computes in one run what is small or decides sizes.
   * @param nodes those that were not all known the last time, in order
   * @param stuck what inference leaves open with everything before it known; of other floating-point tensors it may yet tell the
   * sizes
   * @throws what the runtime says of arithmetic that fails
   */
  async evaluate(nodes: readonly GraphNode[], stuck: readonly string[] = []): Promise<void> {
    const { types, values } = this;
    const { signal } = this.#options;
    const wanted = nodes
      .flatMap(node => this.#takeOver(node))
      .filter(name => {
        const { type, dims } = types.get(name) ?? {};
        if (!type || values.has(name)) return false;
        return dims ? isSmall(type, dims) : !isFloat(type) || stuck.includes(name);
      });
    if (wanted.length === 0) return;
    const part = partOf(this.#graph, neededNodes(this.#graph, wanted, new Set(values.keys())), values);
    const outputs = wanted.map((_, index) => `onnx_cam/constant/${index}`);
    wanted.forEach((name, index) => {
      part.append(makeNode('Identity', [name], [outputs[index]!]));
      part.outputs.push(makeValueInfo(outputs[index]!));
    });
    const found = await withProbe(part, this.#createSession, signal, session => session.run({}, outputs, { signal }));
    wanted.forEach((name, index) => {
      this.#learn(name, found[outputs[index]!]!);
    });
  }

  /**
   * Learns a shape where the sizes of the tensor are known, and from the earlier batch what has the same inputs there.
   * @returns outputs that can be computed
   */
  #takeOver(node: GraphNode): string[] {
    const { batch, earlier, ...inputs } = this.#options;
    const [output] = node.outputs as [string];
    const dims = isShapeOnly(node) ? shapeOf(this.#graph, inputs, batch, this.types, node.inputs[0]!) : undefined;
    if (dims) {
      const shape = evaluateShape(node, dims);
      const before = earlier?.values.get(output);
      if (before && isEqual(shape, before)) this.#same.add(output);
      this.#learn(output, shape);
      return [];
    }
    const read = dependenciesOf(node);
    if ((!node.domain && RANDOM.has(node.op)) || !read.every(name => this.#isThere(name))) return [];
    const unchanged = read.every(name => this.#same.has(name));
    const made = node.outputs.filter(Boolean);
    for (const name of made) {
      this.#computable.add(name);
      if (unchanged) this.#same.add(name);
      const value = unchanged ? earlier?.values.get(name) : undefined;
      if (value) this.#learn(name, value);
    }
    return made;
  }

  #isThere(name: string): boolean {
    return this.#graph.initializers.has(name) || this.values.has(name) || this.#computable.has(name);
  }

  #learn(name: string, value: Tensor): void {
    this.values.set(name, value);
    this.types.set(name, { type: value.type, dims: value.dims });
  }
}

/** What Shape and Size make of a tensor with these sizes. */
export function evaluateShape({ op, attributes }: GraphNode, dims: readonly number[]): Tensor<'int64'> {
  if (op === 'Size') return { type: 'int64', dims: [], data: toInt64s([elementCount(dims)]) };
  const end = attributes.find('end') ? attributes.int('end', 0) : undefined;
  const sizes = dims.slice(attributes.int('start', 0), end);
  return { type: 'int64', dims: [sizes.length], data: toInt64s(sizes) };
}

/** Whether two tensors of one type hold the same. */
export function isEqual(a: Tensor, b: Tensor): boolean {
  return a.data.length === b.data.length && a.data.every((value, index) => value === b.data[index]);
}
