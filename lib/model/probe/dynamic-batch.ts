import { toInt64s } from '../../common/sizes.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { ImageInput } from '../find/input.ts';
import { constantValues } from '../graph/constant-chain.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import { Graph, type GraphNode } from '../graph/graph.ts';
import { makeTensorProto } from '../graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../graph/value-info.ts';
import type { InferredType } from './infer-shapes.ts';
import type { ProbeOptions } from './probe-facts.ts';
import { type CreateSession, type ProbeSession, withProbe } from './probe-session.ts';
import { probingFeeds } from './probing-feeds.ts';

const BATCH = 'batch';
const IMAGES = 2;

/** Largest difference between one image alone and the same image in a batch, relative to the largest score. */
const TOLERANCE = 1e-4;

/**
 * A model exported for exactly one image, rewritten for any number: the image's first axis becomes dynamic, and shapes
 * written into Reshape and Resize nodes lose their leading 1. Whether the result is right is for
 * {@link agreesWithOriginal} to say.
 */
export function withDynamicBatch(graph: Graph, inferred: ReadonlyMap<string, InferredType>, input: ImageInput): Graph {
  const dependent = dependentTensors(graph, [input.name]);
  const initializers = new Map(graph.initializers);
  const noFacts: FactTable = new Map();
  const dimsOf = (name: string) => (name === input.name ? numbers(input.dims) : inferred.get(name)?.dims);

  const nodes = graph.nodes.map((node, index) => {
    if (node.domain !== '' || !dependent.has(node.inputs[0] ?? '')) return node;
    const name = `onnx_cam/batch/${index}`;
    if (node.op === 'Reshape') {
      const shape = constantValues(graph, noFacts, node.inputs[1] ?? '');
      const batched = shape && batchedShape(node, shape, dimsOf(node.inputs[0]!));
      if (!batched) return node;
      initializers.set(name, makeTensorProto(name, 'int64', [batched.length], toInt64s(batched)));
      return { ...node, inputs: [node.inputs[0]!, name] };
    }
    if (node.op === 'Resize' && node.inputs[3] && !node.attributes.has('axes')) {
      const sizes = constantValues(graph, noFacts, node.inputs[3]);
      const from = dimsOf(node.inputs[0]!);
      if (sizes?.[0] !== 1 || !from) return node;
      const scales = Float32Array.from(sizes, (size, axis) => (axis === 0 ? 1 : size / from[axis]!));
      initializers.set(name, makeTensorProto(name, 'float32', [scales.length], scales));
      return { ...node, inputs: [node.inputs[0]!, node.inputs[1]!, name] };
    }
    return node;
  });

  const inputs = graph.inputs.map(value =>
    value.name === input.name ? makeValueInfo(value.name, input.type, [BATCH, ...input.dims.slice(1)]) : value,
  );
  const outputs = graph.outputs.map(value => {
    const { type, dims } = describeValue(value);
    if (!dependent.has(value.name) || !type || type === 'string' || dims?.[0] !== 1) return value;
    return makeValueInfo(value.name, type, [BATCH, ...dims.slice(1)]);
  });
  const { opsets, irVersion, metadata } = graph;
  return new Graph({ inputs, outputs, nodes, initializers, opsets, irVersion, metadata });
}

/** The shape with a first size that follows the batch; undefined when it does already or cannot. */
function batchedShape(
  node: GraphNode,
  shape: readonly number[],
  from: readonly number[] | undefined,
): number[] | undefined {
  const [first, ...rest] = shape;
  if (first === undefined || first <= 0) return undefined;
  const copies = first === 1 && from?.[0] === 1 && node.attributes.int('allowzero', 0) === 0;
  if (!rest.includes(-1) && !rest.includes(0)) {
    // A copied size keeps the name of the batch, by which the runtime sees which tensors have equal shapes.
    const cells = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);
    return [copies && cells(rest) === cells(from.slice(1)) ? 0 : -1, ...rest];
  }
  return copies ? [0, ...rest] : undefined;
}

/**
 * Runs the rewritten model on a batch of noise and the original on the last image of it, which must score alone as in
 * the batch: a size that was missed, or images that mix, would show there.
 */
export async function agreesWithOriginal(
  original: Graph,
  batched: Graph,
  output: string,
  createSession: CreateSession,
  options: ProbeOptions,
): Promise<boolean> {
  const feeds = probingFeeds(batched, IMAGES, options);
  const { name } = options.input;
  const last = { ...feeds, [name]: imageOf(feeds[name]!, IMAGES - 1) };
  const scores = async (session: ProbeSession, inputs: Readonly<Record<string, Tensor>>) => {
    const outputs = await session.run(inputs, [output], { signal: options.signal });
    return Float64Array.from(outputs[output]!.data as ArrayLike<number | bigint>, Number);
  };
  // Where nothing had to be rewritten but the size of the input, the one session is the original's as well.
  const unchanged = batched.nodes.every((node, index) => node === original.nodes[index]);
  const [together, whole] = await withProbe(batched, createSession, options.signal, async session => [
    await scores(session, feeds),
    unchanged ? await scores(session, last) : undefined,
  ]);
  const alone = whole ?? (await withProbe(original, createSession, options.signal, session => scores(session, last)));
  if (together.length !== IMAGES * alone.length) return false;
  const largest = alone.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const row = together.subarray(together.length - alone.length);
  return alone.every((value, index) => Math.abs(value - row[index]!) <= TOLERANCE * largest);
}

function imageOf(batch: Tensor, index: number): Tensor {
  const [count = 1, ...rest] = batch.dims;
  const size = batch.data.length / count;
  return { ...batch, dims: [1, ...rest], data: batch.data.slice(index * size, (index + 1) * size) } as Tensor;
}

function numbers(dims: ImageInput['dims']): number[] | undefined {
  return dims.every(dim => typeof dim === 'number') ? (dims as number[]) : undefined;
}
