import { throwIfAborted } from '../common/errors.ts';
import { Session } from '../engine/session.ts';
import { serializeModel } from '../model/file/serialize-model.ts';
import type { FactTable } from '../model/graph/facts.ts';
import { type Graph, makeNode } from '../model/graph/graph.ts';
import { makeValueInfo } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import { type Int8Graph, int8Graph } from '../model/rewrite/int8/int8-graph.ts';
import { observe } from '../model/rewrite/int8/observe.ts';
import { type RoundedGraph, roundWeights, withRanges } from '../model/rewrite/int8/with-ranges.ts';
import type { ScoringGraph } from '../plan/scoring-graphs.ts';
import { SHIFT } from '../scoring/int8-version.ts';
import { int8Levels } from './int8-levels.ts';
import type { NetworkSessionOptions } from './planned-session.ts';

/** A scoring graph that shows the ranges of its tensors, and what makes it int8. */
export interface Int8Source {
  /** Of the float graph, whose output `rows` holds ranges and scores. */
  readonly session: Session;
  readonly graph: Graph;
  readonly rows: string;
  /** How many values the ranges have: the least and the largest of each tensor. */
  readonly values: number;
  /** A session of the int8 graph for these ranges. */
  open(ranges: Float64Array, signal?: AbortSignal): Promise<{ readonly session: Session; readonly output: string }>;
}

/** Why a model has no int8 version of ours; undefined where it may have one. */
export function reasonAgainst({ graph, half }: Pick<Model, 'graph' | 'half'>): string | undefined {
  if (half) return 'the model computes in float16';
  const quantised = graph.nodes.some(({ op }) => QUANTISED.test(op));
  return quantised ? 'the model is quantised already' : undefined;
}

const QUANTISED = /^(De|Dynamic)?QuantizeLinear$|^QLinear|Integer/;

/**
 * Undefined where nothing of the graph can be computed in int8.
 * @param asked.levels of weights; by default what this CPU multiplies right
 */
export async function makeInt8(
  { graph, output }: ScoringGraph,
  facts: FactTable,
  batch: number,
  options: NetworkSessionOptions,
  { levels, signal }: { readonly levels?: number; readonly signal?: AbortSignal } = {},
): Promise<Int8Source | undefined> {
  const made = int8Graph(graph, facts);
  if (!made) return undefined;
  const observed = graph.clone();
  const rows = observe(observed, made.points, output, batch);
  let rounded: Promise<RoundedGraph> | undefined;
  const round = () =>
    (rounded ??= roundFor(made, levels, options).catch(error => {
      // A failure must not be remembered.
      rounded = undefined;
      throw error;
    }));
  return {
    session: await createSession(observed, options, signal),
    graph: observed,
    rows,
    values: 2 * made.points.length,
    open: async (ranges, signal) => {
      const rounded = await round();
      throwIfAborted(signal);
      const settled = withRanges(rounded, ranges);
      const shifted = addShift(settled, output);
      return { session: await createSession(settled, options, signal), output: shifted };
    },
  };
}

async function roundFor(made: Int8Graph, levels: number | undefined, options: NetworkSessionOptions) {
  return roundWeights(made, levels ?? (await int8Levels(options)));
}

/** Adds the input SHIFT to the scores. */
function addShift(graph: Graph, scores: string): string {
  const output = 'int8/shifted';
  graph.append(makeNode('Add', [scores, SHIFT], [output]));
  graph.inputs.push(makeValueInfo(SHIFT, 'float32', ['']));
  graph.outputs.splice(0, graph.outputs.length, makeValueInfo(output, 'float32', ['', '']));
  return output;
}

/**
 * With one thread, and without ONNX Runtime's passes over quantised graphs: they would round the weights of float convolutions
 * between quantised ones, one step for a whole weight.
 */
function createSession(
  graph: Graph,
  options: NetworkSessionOptions,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const { model, externalFiles } = serializeModel(graph);
  const { extra } = options;
  const session = { disable_quant_qdq: '1', ...(extra?.session as object) };
  return Session.create(model, {
    ...options,
    extra: { ...extra, session },
    intraOpNumThreads: 1,
    externalFiles,
    signal,
  });
}
