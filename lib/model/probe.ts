import { elementCount, type Tensor, type TensorType } from '../engine/tensor.ts';
import { OnnxCamError } from '../errors.ts';
import { dependentTensors } from './data-flow.ts';
import type { FactTable, TensorFacts } from './facts.ts';
import { type Graph, makeNode } from './graph.ts';
import type { ImageInput } from './input.ts';
import { noiseTensor } from './noise.ts';
import { dimsOf, isTensorType, readNumbers, typeOfCode } from './tensor-values.ts';
import { describeValue, makeValueInfo } from './value-info.ts';
import { EXTERNAL_THRESHOLD, serializeModel } from './write.ts';

/** The part of the engine's session that probing needs. */
export interface ProbeSession {
  readonly outputs: readonly { readonly name: string; readonly type: string; readonly dims?: readonly unknown[] }[];
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    options?: { signal?: AbortSignal },
  ): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

export interface ProbeSessionOptions {
  readonly externalFiles: Record<string, Uint8Array>;
  readonly graphOptimizationLevel: 'disabled';
  /** Session configuration entries by ONNX Runtime's names. */
  readonly extra: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

export type CreateSession = (model: Uint8Array, options: ProbeSessionOptions) => Promise<ProbeSession>;

export interface ProbeOptions {
  readonly input: ImageInput;
  /** Fixed tensors of the other inputs. */
  readonly inputs?: Readonly<Record<string, Tensor>>;
  /** Used where the model takes any size. */
  readonly width?: number;
  readonly height?: number;
  readonly signal?: AbortSignal;
  /** Called with an output of the first run and what went in. */
  readonly watch?: { readonly output: string; seen(value: Tensor, feeds: Readonly<Record<string, Tensor>>): void };
}

/** Sizes that models without a fixed size are probed at. */
const DEFAULT_SIZE = 224;
const DEFAULT_DEPTH = 16;

/** Integer tensors up to this length keep their values; floating ones (bounds, scales) only when they are tiny. */
const MAX_INTEGER_VALUES = 4096;
const MAX_FLOAT_VALUES = 64;

/**
 * Finds type and shape of every tensor, and the values of small ones that do not depend on the input, by running the
 * unoptimised model on noise: with batch 2 and 3 where the batch is dynamic (sizes that differ are dynamic, −1; not
 * with 1, which looks like broadcasting), once where it is fixed.
 *
 * The runs fetch `Shape(t)` instead of the floating-point tensors themselves, so that activations are freed as the run
 * goes; types come from a session of the same graph without its weights, which is never run.
 * @throws what the runtime says of a model that it cannot create or run.
 */
export async function probeFacts(
  graph: Graph,
  createSession: CreateSession,
  options: ProbeOptions,
): Promise<FactTable> {
  const inferred = await inferTypes(graph, createSession, options.signal);
  const dependent = dependentTensors(
    graph,
    graph.inputs.map(({ name }) => name),
  );
  const probed = graph.clone();
  const fetches = new Map<string, { tensor: string; whole: boolean }>();
  probed.outputs.length = 0;
  let index = 0;
  for (const [tensor, { type, dims }] of inferred) {
    const small = dims === undefined || elementCount(dims) <= MAX_FLOAT_VALUES;
    const whole = isFloat(type) ? !dependent.has(tensor) && small : true;
    const name = `onnx_cam/probe/${index++}`;
    probed.append(makeNode(whole ? 'Identity' : 'Shape', [tensor], [name]));
    probed.outputs.push(makeValueInfo(name));
    fetches.set(name, { tensor, whole });
  }

  const { watch } = options;
  if (watch) probed.outputs.push(...graph.outputs.filter(({ name }) => name === watch.output));
  const session = await createProbe(probed, createSession, options.signal);
  try {
    const batches = options.input.batch === undefined ? [2, 3] : [options.input.batch];
    const observations: Map<string, Observation>[] = [];
    for (const batch of batches) {
      const feeds = probingFeeds(graph, batch, options);
      const watched = watch && observations.length === 0 ? [watch.output] : [];
      const outputs = await session.run(feeds, [...fetches.keys(), ...watched], { signal: options.signal });
      for (const name of watched) watch?.seen(outputs[name]!, feeds);
      const seen = new Map<string, Observation>();
      for (const [name, { tensor, whole }] of fetches) seen.set(tensor, observe(outputs[name]!, whole));
      for (const [name, { dims }] of Object.entries(feeds)) seen.set(name, { dims });
      observations.push(seen);
    }
    return combine(graph, inferred, dependent, observations);
  } finally {
    await session.dispose();
  }
}

/** A session for a few runs: nothing optimised, weights not rearranged (which would hold them twice). */
export function createProbe(
  graph: Graph,
  createSession: CreateSession,
  signal: AbortSignal | undefined,
): Promise<ProbeSession> {
  const { model, externalFiles } = serializeModel(graph);
  const extra = { 'session.disable_prepacking': '1' };
  return createSession(model, { externalFiles, graphOptimizationLevel: 'disabled', extra, signal });
}

export interface InferredType {
  readonly type: TensorType;
  /** Where the runtime's own shape inference gives all of them. */
  readonly dims: readonly number[] | undefined;
}

/** Types of everything that nodes make, from a graph whose large weights are declared as inputs instead. */
export async function inferTypes(
  graph: Graph,
  createSession: CreateSession,
  signal: AbortSignal | undefined,
): Promise<Map<string, InferredType>> {
  const bare = graph.clone();
  for (const [name, weight] of graph.initializers) {
    const type = typeOfCode(weight.dataType);
    if (!type || weight.rawData.byteLength < EXTERNAL_THRESHOLD) continue;
    bare.initializers.delete(name);
    bare.inputs.push(makeValueInfo(name, type, dimsOf(weight)));
  }
  const declared = new Set(bare.outputs.map(({ name }) => name));
  for (const node of graph.nodes)
    for (const output of node.outputs) if (output && !declared.has(output)) bare.outputs.push(makeValueInfo(output));
  const session = await createProbe(bare, createSession, signal);
  const made = new Set(graph.nodes.flatMap(node => node.outputs));
  const types = new Map<string, InferredType>();
  for (const { name, type, dims } of session.outputs) {
    if (!made.has(name) || !isTensorType(type)) continue;
    const known = dims?.every(dim => typeof dim === 'number' && dim >= 0);
    types.set(name, { type, dims: known ? (dims as number[]) : undefined });
  }
  await session.dispose();
  return types;
}

/** Feeds for a batch of this size, the same ones for the same size: noise for the image, the fixed tensors repeated where their batch is dynamic. */
export function probingFeeds(graph: Graph, batch: number, options: ProbeOptions): Record<string, Tensor> {
  const { input } = options;
  const height = input.height ?? options.height ?? DEFAULT_SIZE;
  const width = input.width ?? options.width ?? DEFAULT_SIZE;
  const depth = input.depth ?? DEFAULT_DEPTH;
  const shape = {
    nchw: [batch, input.channels, height, width],
    nhwc: [batch, height, width, input.channels],
    ncdhw: [batch, input.channels, depth, height, width],
  }[input.layout];
  const feeds: Record<string, Tensor> = { [input.name]: noiseTensor(input.type, shape, batch) };
  for (const value of graph.inputs.map(describeValue)) {
    const fixed = options.inputs?.[value.name];
    if (fixed && value.name !== input.name)
      feeds[value.name] = typeof value.dims?.[0] === 'string' ? repeatBatch(fixed, batch) : fixed;
  }
  return feeds;
}

/**
 * A tensor with batch 1, repeated; every other batch must be right already.
 * @throws OnnxCamError `ERR_INPUT_SHAPE` otherwise
 */
export function repeatBatch(tensor: Tensor, batch: number): Tensor {
  const [own = 1, ...rest] = tensor.dims;
  if (own === batch || tensor.dims.length === 0) return tensor;
  if (own !== 1)
    throw new OnnxCamError('ERR_INPUT_SHAPE', `a fixed input tensor has batch ${own}; expected 1 or ${batch}`);
  const ArrayType = tensor.data.constructor as new (length: number) => Float32Array;
  const data = new ArrayType(tensor.data.length * batch);
  for (let i = 0; i < batch; i++) data.set(tensor.data as Float32Array, i * tensor.data.length);
  return { type: tensor.type, data, dims: [batch, ...rest] } as Tensor;
}

interface Observation {
  readonly dims: readonly number[];
  readonly values?: readonly number[];
}

function observe(output: Tensor, whole: boolean): Observation {
  if (!whole) return { dims: Array.from(output.data as BigInt64Array, Number) };
  const limit = isFloat(output.type) ? MAX_FLOAT_VALUES : MAX_INTEGER_VALUES;
  if (output.data.length > limit || output.type === 'float16' || output.type === 'bfloat16')
    return { dims: [...output.dims] };
  return { dims: [...output.dims], values: Array.from(output.data as ArrayLike<number | bigint>, Number) };
}

function combine(
  graph: Graph,
  inferred: ReadonlyMap<string, InferredType>,
  dependent: ReadonlySet<string>,
  observations: readonly ReadonlyMap<string, Observation>[],
): FactTable {
  const facts = new Map<string, TensorFacts>();
  for (const value of graph.inputs.map(describeValue))
    if (value.type && value.type !== 'string') add(value.name, value.type);
  for (const [name, weight] of graph.initializers) {
    const type = typeOfCode(weight.dataType);
    if (!type) continue;
    const dims = dimsOf(weight);
    const small = elementCount(dims) <= (isFloat(type) ? MAX_FLOAT_VALUES : MAX_INTEGER_VALUES);
    facts.set(name, small ? { type, dims, values: readNumbers(weight) } : { type, dims });
  }
  for (const [name, { type }] of inferred) add(name, type);
  return facts;

  function add(name: string, type: TensorType): void {
    const seen = observations.map(observation => observation.get(name)).filter(found => found !== undefined);
    const [first, ...others] = seen;
    if (!first) return;
    const dims = first.dims.map((dim, axis) => (others.every(other => other.dims[axis] === dim) ? dim : -1));
    const same = (other: Observation) => first.values?.every((value, index) => Object.is(value, other.values?.[index]));
    const constant = first.values && !dependent.has(name) && !dims.includes(-1) && others.every(same);
    facts.set(name, constant ? { type, dims, values: first.values } : { type, dims });
  }
}

function isFloat(type: TensorType): boolean {
  return type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';
}
