import { named } from '../../common/named.ts';
import { checkedCount, tensorLimit } from '../../common/sizes.ts';
import { elementCount, isTensorType, type TensorType } from '../../engine/tensor.ts';
import { EXTERNAL_THRESHOLD } from '../file/serialize-model.ts';
import { type Graph, makeNode } from '../graph/graph.ts';
import { dimsOf, typeOfCode } from '../graph/tensor-values.ts';
import { makeValueInfo } from '../graph/value-info.ts';
import { type CreateSession, withProbe } from './probe-session.ts';
import { imageShape, type ProbingInputs, sharesBatch } from './probing-feeds.ts';
import { refuseCrashes } from './refuse-crashes.ts';

/** What is known of a tensor that a node makes. */
export interface InferredType {
  readonly type: TensorType;
  /** undefined where the inference leaves any size open. */
  readonly dims: readonly number[] | undefined;
}

/** What ONNX Runtime's own inference says of one. */
export interface Inferred extends InferredType {
  /** As the runtime shows them; the open sizes are below 0. A scalar and a tensor of unknown rank look alike: without sizes. */
  readonly shown: readonly number[];
}

type InferOptions = ProbingInputs & { readonly signal?: AbortSignal };

/**
 * Types and shapes of everything that nodes make for a batch of this size, as the runtime infers them when it creates a
 * session (for a symbolic batch it would leave every Reshape to [−1, n] open). Nothing is run, and the large weights are declared as inputs instead of being handed over: it takes milliseconds. Sequences and
 * strings are left out.
 * @throws what the runtime says of a model that it cannot create, and see checkShapes
 */
export async function inferShapes(
  graph: Graph,
  createSession: CreateSession,
  options: InferOptions,
  batch: number,
): Promise<Map<string, Inferred>> {
  const types = await inferTypes(graph, createSession, options, batch);
  checkShapes(graph, types, options, batch);
  return types;
}

/**
 * The same, unchecked.
 * @param unranked tensors whose rank is asked for besides, which tells scalars
 * @throws what the runtime says of a model that it cannot create
 */
export async function inferTypes(
  graph: Graph,
  createSession: CreateSession,
  options: InferOptions,
  batch: number,
  unranked: readonly string[] = [],
): Promise<Map<string, Inferred>> {
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
  const ranks = new Map(unranked.map((name, index) => [`onnx_cam/rank/${index}`, name]));
  for (const [rank, name] of ranks) {
    bare.append(makeNode('Shape', [name], [rank]));
    bare.outputs.push(makeValueInfo(rank));
  }
  return withProbe(bare, createSession, options.signal, ({ outputs }) => {
    const types = new Map<string, Inferred>();
    for (const { name, type, dims } of outputs) {
      if (!isTensorType(type)) continue;
      const shown = (dims ?? []).map(dim => (typeof dim === 'number' ? dim : -1));
      const scalar = ranks.get(name);
      if (scalar === undefined) types.set(name, { type, shown, dims: complete(shown) });
      else if (shown[0] === 0) types.set(scalar, { ...types.get(scalar)!, dims: [] });
    }
    return types;
  });
}

/**
 * @throws `ERR_MODEL_UNSUPPORTED` for tensors that are too large to run, `ERR_MODEL_INVALID` for what would end the process
 * (see refuse-crashes.ts)
 */
export function checkShapes(
  graph: Graph,
  types: ReadonlyMap<string, Inferred>,
  options: ProbingInputs,
  batch: number,
): void {
  const most = tensorLimit(elementCount(imageShape(batch, options)));
  for (const [name, { shown }] of types) checkedCount(knownSizes(shown), `tensor "${name}"`, most);
  refuseCrashes(graph, name => shapeOf(graph, options, batch, types, name));
}

/** The sizes that do not stay open. */
const knownSizes = (shown: readonly number[]): number[] => shown.filter(dim => dim >= 0);

/** Shape of any tensor: of an input as it is fed, of a weight, or inferred. */
export function shapeOf(
  graph: Graph,
  options: ProbingInputs,
  batch: number,
  types: ReadonlyMap<string, InferredType>,
  name: string,
): readonly number[] | undefined {
  const weight = graph.initializers.get(name);
  return weight ? dimsOf(weight) : (fedShape(graph, options, batch, name) ?? types.get(name)?.dims);
}

/** The shapes that probing feeds. */
function declareInputs(bare: Graph, graph: Graph, options: ProbingInputs, batch: number): void {
  const { input, inputs } = options;
  bare.inputs.forEach(({ name }, index) => {
    const type = name === input.name ? input.type : named(inputs, name)?.type;
    if (type) bare.inputs[index] = makeValueInfo(name, type, fedShape(graph, options, batch, name));
  });
}

/** Shape of an input as probing feeds it. */
export function fedShape(
  graph: Graph,
  options: ProbingInputs,
  batch: number,
  name: string,
): readonly number[] | undefined {
  const { input, inputs } = options;
  if (name === input.name) return imageShape(batch, options);
  const dims = named(inputs, name)?.dims;
  return dims?.[0] === 1 && sharesBatch(graph, name, input.name) ? [batch, ...dims.slice(1)] : dims;
}

/** A tensor without sizes may be of unknown rank. */
function complete(shown: readonly number[]): readonly number[] | undefined {
  return shown.length > 0 && shown.every(dim => dim >= 0) ? shown : undefined;
}
