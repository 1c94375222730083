import { checkedCount, tensorLimit } from '../../common/sizes.ts';
import { elementCount, type Tensor, type TensorType } from '../../engine/tensor.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable, TensorFacts } from '../graph/facts.ts';
import { type Graph, makeNode } from '../graph/graph.ts';
import { dimsOf, readNumbers, typeOfCode } from '../graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../graph/value-info.ts';
import { type Folded, foldShapes } from './fold-shapes.ts';
import { fedShape, type Inferred, type InferredType } from './infer-shapes.ts';
import { isFloat, isSmall } from './kept-values.ts';
import { type CreateSession, withProbe } from './probe-session.ts';
import { imageShape, type ProbingInputs, probingFeeds } from './probing-feeds.ts';

export interface ProbeOptions extends ProbingInputs {
  /** Facts of the same graph at another size, which tell what follows the batch: one batch is enough then. */
  readonly like?: FactTable;
  /** What inferShapes says of the same graph for its fixed batch. */
  readonly inferred?: ReadonlyMap<string, Inferred>;
  /** An attempt that may fail: what inference refuses is not run to see what the runtime says of it. */
  readonly tentative?: boolean;
  readonly signal?: AbortSignal;
}

interface Observation {
  readonly dims: readonly number[];
  readonly values?: readonly number[];
}

/**
 * Finds type and shape of every tensor, and the values of small ones that do not depend on the input; with batch 2 and
 * 3 where the batch is dynamic (sizes that differ are dynamic, −1; not with 1, which looks like broadcasting), once
 * where it is fixed or facts at another size tell it.
 *
 * Where shape inference and folding tell everything (most exports), nothing else is computed; otherwise the unoptimised
 * model is run on noise.
 * @throws what the runtime says of a model that it cannot create or run, and see foldShapes
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
  const folds: Folded[] = [];
  // What one batch leaves open a run has to tell in any case.
  for (const batch of batches)
    if (folds.every(({ complete }) => complete))
      folds.push(await foldShapes(graph, createSession, { ...options, dependent, batch, earlier: folds.at(-1) }));
  const { types, complete } = folds.at(-1)!;
  const observations = complete
    ? folds.map((folded, index) => observeFolded(graph, folded, batches[index]!, options))
    : await observeRuns(graph, types, dependent, batches, createSession, options);
  return combine(graph, { types, dependent, batches, observations, most, like });
}

function observeFolded(
  graph: Graph,
  { types, values }: Folded,
  batch: number,
  options: ProbeOptions,
): Map<string, Observation> {
  const seen = new Map<string, Observation>();
  for (const [name, { dims }] of types) {
    const value = values.get(name);
    seen.set(name, value ? observe(value, true) : { dims: dims! });
  }
  for (const { name } of graph.inputs) {
    const dims = fedShape(graph, options, batch, name);
    if (dims) seen.set(name, { dims });
  }
  return seen;
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
