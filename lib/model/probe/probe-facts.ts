import { named } from '../../common/named.ts';
import { checkedCount, tensorLimit } from '../../common/sizes.ts';
import { elementCount, type Tensor, type TensorType } from '../../engine/tensor.ts';
import { headOf } from '../graph/cut.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable, TensorFacts } from '../graph/facts.ts';
import { type Graph, makeNode } from '../graph/graph.ts';
import { dimsOf, readNumbers, typeOfCode } from '../graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../graph/value-info.ts';
import { type InferredType, inferShapes } from './infer-shapes.ts';
import { type CreateSession, withProbe } from './probe-session.ts';
import { imageShape, type ProbingInputs, probingFeeds } from './probing-feeds.ts';

export interface ProbeOptions extends ProbingInputs {
  /** Facts of the same graph at another size, which tell what follows the batch: one batch is enough then. */
  readonly like?: FactTable;
  readonly signal?: AbortSignal;
}

/** Integer tensors up to this length keep their values; floating ones (bounds, scales) only when they are tiny. */
const MAX_INTEGER_VALUES = 4096;
const MAX_FLOAT_VALUES = 64;

interface Observation {
  readonly dims: readonly number[];
  readonly values?: readonly number[];
}

/**
 * Finds type and shape of every tensor, and the values of small ones that do not depend on the input; with batch 2 and
 * 3 where the batch is dynamic (sizes that differ are dynamic, −1; not with 1, which looks like broadcasting), once
 * where it is fixed or facts at another size tell it.
 *
 * Where ONNX Runtime's shape inference knows every size (most exports), nothing but constants is computed; otherwise
 * the unoptimised model is run on noise.
 * @throws what the runtime says of a model that it cannot create or run, and see inferShapes
 */
export async function probeFacts(
  graph: Graph,
  createSession: CreateSession,
  options: ProbeOptions,
): Promise<FactTable> {
  const { like } = options;
  const several = like ? [2] : [2, 3];
  const batches = options.input.batch === undefined ? several : [options.input.batch];
  const dependent = dependentTensors(
    graph,
    graph.inputs.map(({ name }) => name),
  );
  const most = tensorLimit(elementCount(imageShape(batches.at(-1)!, options)));
  const inferred: Map<string, InferredType>[] = [];
  let known = true;
  // What one batch leaves open a run has to tell in any case: every session costs as much as such a run.
  for (let i = 0; known && i < batches.length; i++) {
    const types = await inferShapes(graph, createSession, options, batches[i]!);
    known = [...types.values()].every(({ dims }) => dims !== undefined);
    inferred.push(types);
  }
  const [types] = inferred as [Map<string, InferredType>];
  const constants = known ? await computeConstants(graph, types, dependent, createSession, options.signal) : undefined;
  if (constants) {
    const observations = inferred.map((each, index) =>
      observeInference(graph, each, constants, batches[index]!, options),
    );
    return combine(graph, { types, dependent, batches, observations, most, like });
  }
  const observations = await observeRuns(graph, types, dependent, batches, createSession, options);
  return combine(graph, { types, dependent, batches, observations, most, like });
}

function observeInference(
  graph: Graph,
  inferred: ReadonlyMap<string, InferredType>,
  constants: ReadonlyMap<string, Observation>,
  batch: number,
  options: ProbeOptions,
): Map<string, Observation> {
  const seen = new Map<string, Observation>();
  for (const [name, { dims }] of inferred) seen.set(name, constants.get(name) ?? { dims: dims! });
  for (const { name } of graph.inputs) {
    const dims = name === options.input.name ? imageShape(batch, options) : named(options.inputs, name)?.dims;
    if (dims) seen.set(name, { dims });
  }
  return seen;
}

/** Small tensors made of weights alone; undefined when one needs a run over the image (the shape of a feature map). */
async function computeConstants(
  graph: Graph,
  types: ReadonlyMap<string, InferredType>,
  dependent: ReadonlySet<string>,
  createSession: CreateSession,
  signal: AbortSignal | undefined,
): Promise<Map<string, Observation> | undefined> {
  const names: string[] = [];
  for (const [name, { type, dims }] of types) if (!dependent.has(name) && dims && isSmall(type, dims)) names.push(name);
  if (names.length === 0) return new Map();
  const part = headOf(graph, names);
  if (part.inputs.length > 0) return undefined;
  const outputs = names.map((_, index) => `onnx_cam/constant/${index}`);
  part.outputs.length = 0;
  names.forEach((name, index) => {
    part.append(makeNode('Identity', [name], [outputs[index]!]));
    part.outputs.push(makeValueInfo(outputs[index]!));
  });
  const values = await withProbe(part, createSession, signal, session => session.run({}, outputs, { signal }));
  return new Map(names.map((name, index) => [name, observe(values[outputs[index]!]!, true)]));
}

/**
 * Runs the model with every tensor observed. The runs fetch `Shape(t)` instead of the floating-point tensors
 * themselves, so that activations are freed as the run goes.
 */
async function observeRuns(
  graph: Graph,
  inferred: ReadonlyMap<string, InferredType>,
  dependent: ReadonlySet<string>,
  batches: readonly number[],
  createSession: CreateSession,
  options: ProbeOptions,
): Promise<Map<string, Observation>[]> {
  const probed = graph.clone();
  const fetches = new Map<string, { tensor: string; whole: boolean }>();
  probed.outputs.length = 0;
  for (const [tensor, { type, dims }] of inferred) {
    const whole = !isFloat(type) || (!dependent.has(tensor) && (dims === undefined || isSmall(type, dims)));
    const name = `onnx_cam/probe/${fetches.size}`;
    probed.append(makeNode(whole ? 'Identity' : 'Shape', [tensor], [name]));
    probed.outputs.push(makeValueInfo(name));
    fetches.set(name, { tensor, whole });
  }
  return withProbe(probed, createSession, options.signal, async session => {
    const observations: Map<string, Observation>[] = [];
    for (const batch of batches) {
      const feeds = probingFeeds(graph, batch, options);
      const outputs = await session.run(feeds, [...fetches.keys()], { signal: options.signal });
      const seen = new Map<string, Observation>();
      for (const [name, { tensor, whole }] of fetches) seen.set(tensor, observe(outputs[name]!, whole));
      for (const [name, { dims }] of Object.entries(feeds)) seen.set(name, { dims });
      observations.push(seen);
    }
    return observations;
  });
}

/** @param whole the output is the tensor itself, not its shape */
function observe(output: Tensor, whole: boolean): Observation {
  if (!whole) return { dims: Array.from(output.data as BigInt64Array, Number) };
  const halves = output.type === 'float16' || output.type === 'bfloat16';
  if (halves || !isSmall(output.type, output.dims)) return { dims: [...output.dims] };
  return { dims: [...output.dims], values: Array.from(output.data as ArrayLike<number | bigint>, Number) };
}

/** @param most elements of a tensor */
interface Seen {
  readonly types: ReadonlyMap<string, InferredType>;
  readonly dependent: ReadonlySet<string>;
  readonly batches: readonly number[];
  /** One for each batch. */
  readonly observations: readonly ReadonlyMap<string, Observation>[];
  /** Largest tensor. */
  readonly most: number;
  readonly like: FactTable | undefined;
}

function combine(graph: Graph, { types, dependent, batches, observations, most, like }: Seen): FactTable {
  const facts = new Map<string, TensorFacts>();
  for (const value of graph.inputs.map(describeValue))
    if (value.type && value.type !== 'string') add(value.name, value.type);
  for (const [name, weight] of graph.initializers) {
    const type = typeOfCode(weight.dataType);
    if (!type) continue;
    const dims = dimsOf(weight);
    facts.set(name, isSmall(type, dims) ? { type, dims, values: readNumbers(weight) } : { type, dims });
  }
  for (const [name, { type }] of types) add(name, type);
  return facts;

  function add(name: string, type: TensorType): void {
    const seen = observations.map(observation => observation.get(name)).filter(found => found !== undefined);
    const [first, ...others] = seen;
    if (!first) return;
    for (const { dims } of seen) checkedCount(dims, `tensor "${name}"`, most);
    const elsewhere = like?.get(name);
    const dims = first.dims.map((dim, axis) =>
      elsewhere?.dims[axis] !== -1 && others.every(other => other.dims[axis] === dim) ? dim : -1,
    );
    const same = (other: Observation) => first.values?.every((value, index) => Object.is(value, other.values?.[index]));
    const constant =
      first.values &&
      !dependent.has(name) &&
      !dims.includes(-1) &&
      (like ? elsewhere?.values !== undefined : others.every(same));
    const rows = dims[0] === -1 ? first.dims[0]! / batches[0]! : 1;
    const own = { type, dims, ...(rows !== 1 && { rowsPerImage: rows }) };
    facts.set(name, constant ? { ...own, values: first.values } : own);
  }
}

function isSmall(type: TensorType, dims: readonly number[]): boolean {
  return elementCount(dims) <= (isFloat(type) ? MAX_FLOAT_VALUES : MAX_INTEGER_VALUES);
}

function isFloat(type: TensorType): boolean {
  return type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';
}
