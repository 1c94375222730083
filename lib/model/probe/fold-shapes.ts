import { isShapeOnly } from '../graph/data-flow.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { dependenciesOf } from '../graph/subgraphs.ts';
import { Constants, evaluateShape, isEqual, type Known } from './evaluate-constants.ts';
import { checkShapes, type Inferred, type InferredType, inferShapes, inferTypes, shapeOf } from './infer-shapes.ts';
import { isFloat, isSmall } from './kept-values.ts';
import { partOf } from './part-of.ts';
import type { CreateSession } from './probe-session.ts';
import type { ProbingInputs } from './probing-feeds.ts';
import { refuseCrashes } from './refuse-crashes.ts';

/** What is known of a graph for one size of the batch without running it. */
export interface Folded extends Known {
  readonly batch: number;
  /** Every size and every value of a small constant is known. */
  readonly complete: boolean;
  /** One inference did not tell every size. */
  readonly folded: boolean;
}

export interface FoldOptions extends ProbingInputs {
  readonly batch: number;
  /** Tensors whose values depend on those of any input. */
  readonly dependent: ReadonlySet<string>;
  /** What inferShapes says of this graph and batch. */
  readonly inferred?: ReadonlyMap<string, Inferred>;
  /** The same graph with another batch, with which it shares what does not follow from the batch. */
  readonly earlier?: Folded;
  /** What inference refuses is thrown, though a run might be taken. */
  readonly tentative?: boolean;
  readonly signal?: AbortSignal;
}

/** Each tells the sizes of some more blocks of a network. */
const MAX_ROUNDS = 256;

/** Nodes that are inferred at once, at least. */
const MIN_NODES = 64;

/** The picture decides how long their outputs are. */
const COUNTING: ReadonlySet<string> = new Set(['Compress', 'NonMaxSuppression', 'NonZero', 'Unique']);

/**
 * Shapes that the runtime's inference does not see through, because arithmetic on the shapes of other tensors makes them: what
 * follows from known sizes and weights is computed and put into the graph as weights, and what was open is inferred once more,
 * until everything is known or the first that is open stays so. No feature map is computed.
 * @throws see inferShapes, and what the runtime says of arithmetic that fails, as a run of the whole would
 */
export async function foldShapes(graph: Graph, createSession: CreateSession, options: FoldOptions): Promise<Folded> {
  const { batch, dependent, earlier } = options;
  const guessed = earlier?.folded ? await foldAlike(graph, createSession, { ...options, earlier }) : undefined;
  if (guessed) return guessed;
  const first = options.inferred ?? (await inferShapes(graph, createSession, options, batch));
  const types = new Map<string, InferredType>(first);
  const constants = new Constants(graph, types, createSession, options);
  const { values } = constants;
  const shown = new Map(first);
  const isOpen = (name: string) => types.has(name) && types.get(name)!.dims === undefined;
  const isUnranked = (name: string) => shown.get(name)?.shown.length === 0;
  const refuse = () => refuseCrashes(graph, name => shapeOf(graph, options, batch, types, name));
  const incomplete = (): Folded => {
    refuse();
    return { types, values, batch, complete: false, folded: true };
  };
  const counts = ({ op, domain, outputs }: GraphNode) =>
    !domain && COUNTING.has(op) && outputs.some(name => dependent.has(name) && isOpen(name));
  const rounds = graph.nodes.some(counts) ? 0 : MAX_ROUNDS;
  // Sequences have no sizes and are made anew by every part.
  const isUntyped = (name: string) => name !== '' && !types.has(name);
  const opaque = graph.nodes.some(({ outputs }) => outputs.some(isUntyped));
  let rest = graph.nodes;
  let front: GraphNode | undefined;
  let most = rest.length;
  for (let round = 0; round < rounds; round++) {
    await constants.evaluate(rest, front?.outputs);
    const start = rest.findIndex(({ outputs }) => outputs.some(isOpen));
    const next = rest[start];
    if (!next && round === 0)
      return { types, values, batch, complete: hasConstants(types, values, dependent), folded: false };
    // Sizes that were told while others were open hold if those fit them.
    if (!next) return (await settle(graph, createSession, options, { types, values })) ?? incomplete();
    // Everything before it was known the last time: what the runtime left open then, it will not tell.
    if (next === front) break;
    front = next;
    if (!opaque) rest = rest.slice(start);
    const nodes = rest.filter(({ outputs }) => outputs.some(name => isOpen(name) || isUntyped(name))).slice(0, most);
    const unranked = nodes.flatMap(({ outputs }) => outputs.filter(name => isOpen(name) && isUnranked(name)));
    const part = partOf(graph, nodes, values, types);
    const found = await inferFurther(part, createSession, options, unranked);
    if (!found) break;
    checkShapes(part, found, options, batch);
    for (const [name, inferred] of found) {
      if (!isOpen(name)) continue;
      shown.set(name, inferred);
      types.set(name, inferred);
    }
    refuseCrashes(part, name => shapeOf(part, options, batch, types, name));
    most = Math.max(MIN_NODES, 2 * nodes.filter(({ outputs }) => !outputs.some(isOpen)).length);
  }
  return incomplete();
}

/** undefined where the runtime does not take the graph this way, but might run it: what it says then counts. */
async function inferFurther(
  part: Graph,
  createSession: CreateSession,
  options: FoldOptions,
  unranked: readonly string[],
): Promise<Map<string, Inferred> | undefined> {
  try {
    return await inferTypes(part, createSession, options, options.batch, unranked);
  } catch (error) {
    if (options.tentative || options.signal?.aborted) throw error;
    return undefined;
  }
}

function hasConstants(types: Folded['types'], values: Folded['values'], dependent: ReadonlySet<string>): boolean {
  return [...types].every(
    ([name, { type, dims }]) => dependent.has(name) || values.has(name) || (dims && !isSmall(type, dims)),
  );
}

/**
 * Takes the sizes at another batch for those at this one, with the first axis that can follow it scaled, and checks what comes
 * of them: one inference instead of several. A shape that was guessed right for every tensor before makes the next right as well.
 * @returns undefined where a guess was wrong
 */
async function foldAlike(
  graph: Graph,
  createSession: CreateSession,
  options: FoldOptions & { readonly earlier: Folded },
): Promise<Folded | undefined> {
  const { earlier, batch, dependent, signal } = options;
  const factor = batch / earlier.batch;
  const following = followers(graph);
  const guess = new Map(
    [...earlier.types].map(([name, { type, dims = [] }]) => {
      // A class token is weights, repeated for the batch; other arithmetic on shapes makes lists of sizes.
      const axes = dependent.has(name) ? dims.length : isFloat(type) && following.has(name) ? 1 : 0;
      return [name, { type, dims: scaled(dims, factor, axes) }];
    }),
  );
  const constants = new Constants(graph, guess, createSession, options);
  try {
    refuseCrashes(graph, name => shapeOf(graph, options, batch, guess, name));
    await constants.evaluate(graph.nodes);
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
  return settle(graph, createSession, { ...options, tentative: false }, constants);
}

/**
 * Infers the whole graph with the values that are believed. Where each shape among them is that of its tensor, all are right: each
 * rests on those before it.
 * @returns undefined where they are not, or something stays open
 */
async function settle(
  graph: Graph,
  createSession: CreateSession,
  options: FoldOptions,
  believed: Known,
): Promise<Folded | undefined> {
  const { batch, dependent } = options;
  const { values } = believed;
  const scalars = [...believed.types.keys()].filter(
    name => !values.has(name) && believed.types.get(name)!.dims?.length === 0,
  );
  const whole = partOf(graph, graph.nodes, values);
  const inferred = await inferFurther(whole, createSession, options, scalars);
  if (!inferred) return undefined;
  const types: Folded['types'] = new Map();
  for (const [name, { type }] of believed.types) {
    const dims = values.get(name)?.dims ?? inferred.get(name)?.dims;
    if (!dims) return undefined;
    types.set(name, { type, dims });
  }
  const isRight = (node: GraphNode) => {
    const value = isShapeOnly(node) ? values.get(node.outputs[0]!) : undefined;
    const dims = value && shapeOf(graph, options, batch, types, node.inputs[0]!);
    return !value || (dims !== undefined && isEqual(evaluateShape(node, dims), value));
  };
  if (!graph.nodes.every(isRight) || !hasConstants(types, values, dependent)) return undefined;
  checkShapes(whole, inferred, options, batch);
  return { types, values, batch, complete: true, folded: true };
}

/** What follows from the inputs, be it from their shapes alone. */
function followers(graph: Graph): Set<string> {
  const reached = new Set(graph.inputs.map(({ name }) => name));
  for (const node of graph.nodes)
    if (dependenciesOf(node).some(name => reached.has(name))) for (const output of node.outputs) reached.add(output);
  return reached;
}

/** Sizes at another batch, if the first of so many axes that can follows it. */
function scaled(dims: readonly number[], factor: number, axes: number): readonly number[] {
  const axis = dims.slice(0, axes).findIndex(dim => dim > 0 && Number.isInteger(dim * factor));
  return dims.map((dim, index) => (index === axis ? dim * factor : dim));
}
