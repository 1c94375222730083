import { named } from '../../common/named.ts';
import { checkedCount, tensorLimit } from '../../common/sizes.ts';
import { elementCount, isTensorType, type TensorType } from '../../engine/tensor.ts';
import { EXTERNAL_THRESHOLD } from '../file/serialize-model.ts';
import type { Graph } from '../graph/graph.ts';
import { dimsOf, typeOfCode } from '../graph/tensor-values.ts';
import { makeValueInfo } from '../graph/value-info.ts';
import { type CreateSession, withProbe } from './probe-session.ts';
import { imageShape, type ProbingInputs, sharesBatch } from './probing-feeds.ts';
import { refuseCrashes } from './refuse-crashes.ts';

/** What ONNX Runtime's own inference says of a tensor. */
export interface InferredType {
  readonly type: TensorType;
  /** undefined where the inference leaves any size open. */
  readonly dims: readonly number[] | undefined;
}

/**
 * Types and shapes of everything that nodes make for a batch of this size, as the runtime infers them when it creates a
 * session (for a symbolic batch it would leave every Reshape to [−1, n] open). Nothing is run, and the large weights are declared as inputs instead of being handed over: it takes milliseconds. Sequences and
 * strings are left out.
 * @throws what the runtime says of a model that it cannot create, `ERR_MODEL_UNSUPPORTED` for tensors that are too large
 * to run, `ERR_MODEL_INVALID` for what would end the process (see refuse-crashes.ts)
 */
export async function inferShapes(
  graph: Graph,
  createSession: CreateSession,
  options: ProbingInputs & { signal?: AbortSignal },
  batch: number,
): Promise<Map<string, InferredType>> {
  const bare = graph.clone();
  declareInputs(bare, graph, options, batch);
  for (const [name, weight] of graph.initializers) {
    const type = typeOfCode(weight.dataType);
    if (!type || weight.rawData.byteLength < EXTERNAL_THRESHOLD) continue;
    bare.initializers.delete(name);
    bare.inputs.push(makeValueInfo(name, type, dimsOf(weight)));
  }
  const made = new Set(graph.nodes.flatMap(node => node.outputs));
  made.delete('');
  bare.outputs.length = 0;
  for (const name of made) bare.outputs.push(makeValueInfo(name));
  const most = tensorLimit(elementCount(imageShape(batch, options)));
  const types = new Map<string, InferredType>();
  await withProbe(bare, createSession, options.signal, ({ outputs }) => {
    for (const { name, type, dims } of outputs) {
      if (!isTensorType(type)) continue;
      checkedCount(knownSizes(dims), `tensor "${name}"`, most);
      types.set(name, { type, dims: complete(dims) });
    }
  });
  refuseCrashes(graph, name => shapeOf(graph, options, batch, types, name));
  return types;
}

/** The sizes that do not stay open. */
const knownSizes = (dims: readonly unknown[] | undefined): number[] =>
  (dims ?? []).filter(dim => typeof dim === 'number' && dim >= 0) as number[];

/** Shape of any tensor: of an input as it is fed, of a weight, or inferred. */
function shapeOf(
  graph: Graph,
  options: ProbingInputs,
  batch: number,
  types: ReadonlyMap<string, InferredType>,
  name: string,
): readonly number[] | undefined {
  if (name === options.input.name) return imageShape(batch, options);
  const weight = graph.initializers.get(name);
  return weight ? dimsOf(weight) : (named(options.inputs, name)?.dims ?? types.get(name)?.dims);
}

/** The shapes that probing feeds. */
function declareInputs(bare: Graph, graph: Graph, options: ProbingInputs, batch: number): void {
  const { input, inputs } = options;
  bare.inputs.forEach(({ name }, index) => {
    const fixed = named(inputs, name);
    if (name === input.name) bare.inputs[index] = makeValueInfo(name, input.type, imageShape(batch, options));
    else if (fixed)
      bare.inputs[index] = makeValueInfo(name, fixed.type, fixedShape(graph, name, input.name, fixed.dims, batch));
  });
}

function fixedShape(
  graph: Graph,
  name: string,
  input: string,
  dims: readonly number[],
  batch: number,
): readonly number[] {
  return sharesBatch(graph, name, input) && dims[0] === 1 ? [batch, ...dims.slice(1)] : dims;
}

/** The runtime shows a scalar and a tensor of unknown rank alike, without sizes: that counts as unknown. */
function complete(dims: readonly unknown[] | undefined): number[] | undefined {
  const known = dims && dims.length > 0 && dims.every(dim => typeof dim === 'number' && dim >= 0);
  return known ? (dims as number[]) : undefined;
}
