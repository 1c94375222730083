import { MAX_OPTIMIZED_NODES } from '../common/sizes.ts';
import { breathe } from '../common/slices.ts';
import { Session } from '../engine/session.ts';
import { serializeModel } from '../model/file/serialize-model.ts';
import type { Graph } from '../model/graph/graph.ts';
import type { PlannedGraph } from '../plan/plan-graph.ts';
import type { SizedGraph } from './graphs-by-size.ts';

/** A session and the names of what its graph gives. */
export interface PlannedSession {
  readonly session: Session;
  readonly planned: PlannedGraph;
  /** Everything that a run gives, each once. */
  readonly fetches: readonly string[];
  /** What may stay on the device: activations and gradients. */
  readonly kept: ReadonlySet<string>;
  /** There are outputs of passes besides the gradients'. */
  readonly furtherPasses: boolean;
}

/** A session that gives what a plan asks for. @throws what creating a session throws */
export async function openPlanned(
  sized: SizedGraph<PlannedGraph>,
  options: NetworkSessionOptions,
  signal: AbortSignal,
): Promise<PlannedSession> {
  const planned = sized.made;
  const session = await openSized(sized, options, signal);
  const kept = new Set([...planned.activations.values(), ...planned.gradients.values()]);
  const passes = Object.values(planned.passes).flatMap(names => [...names.values()]);
  const { region, candidates } = planned;
  const read = [region, candidates?.boxes, candidates?.confidences].filter(name => name !== undefined);
  // The parts of a sum share one gradient.
  const fetches = [...new Set([planned.logits, ...kept, ...passes, ...read])];
  return { session, planned, fetches, kept, furtherPasses: passes.length > 0 };
}

/** @throws what creating a session throws */
export async function openSized(
  sized: SizedGraph<unknown>,
  options: NetworkSessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  await breathe(signal);
  const graph = sized.open();
  await breathe(signal);
  const { model, externalFiles } = serializeModel(graph);
  await breathe(signal);
  return Session.create(model, {
    ...options,
    graphOptimizationLevel: options.graphOptimizationLevel ?? levelFor(graph),
    // The runtime keeps a pattern for every shape that it has seen.
    enableMemPattern: options.enableMemPattern ?? (sized.anySize ? false : undefined),
    externalFiles,
    signal,
  });
}

/** The runtime optimises in time that grows with the square of a graph's length. */
function levelFor({ nodes }: Graph): 'disabled' | undefined {
  return nodes.length > MAX_OPTIMIZED_NODES ? 'disabled' : undefined;
}

/** Session options without what belongs to the single session. */
export type NetworkSessionOptions = Omit<Parameters<typeof Session.create>[1] & object, 'signal' | 'externalFiles'>;
