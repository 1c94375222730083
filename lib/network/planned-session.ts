import { MAX_OPTIMIZED_NODES } from '../common/sizes.ts';
import { isAccelerated } from '../engine/providers.ts';
import { Session } from '../engine/session.ts';
import { serializeModel } from '../model/file/serialize-model.ts';
import type { FactTable } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import type { Model } from '../model/load-model.ts';
import type { NetworkPlan } from '../plan/plan.ts';
import { type PlannedGraph, planGraph } from '../plan/plan-graph.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import type { TargetLayer } from '../plan/target-layer.ts';

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

/**
 * A session that gives what a plan asks for.
 * @throws `ERR_NO_GRADIENT`, and what creating a session throws
 */
export async function openPlanned(
  model: Model,
  options: NetworkSessionOptions,
  asked: {
    readonly head: ScoreHead;
    readonly layers: readonly TargetLayer[];
    readonly plan: NetworkPlan;
    readonly facts: FactTable;
  },
): Promise<PlannedSession> {
  const { head, layers, plan, facts } = asked;
  const blocks = !isAccelerated(options.executionProviders);
  const planned = planGraph(model, facts, head, layers, plan, { blocks });
  const { model: bytes, externalFiles } = serializeModel(planned.graph);
  const graphOptimizationLevel = options.graphOptimizationLevel ?? levelFor(planned.graph);
  const session = await Session.create(bytes, { ...options, graphOptimizationLevel, externalFiles });
  const kept = new Set([...planned.activations.values(), ...planned.gradients.values()]);
  const passes = Object.values(planned.passes).flatMap(names => [...names.values()]);
  const { region, candidates } = planned;
  const read = [region, candidates?.boxes, candidates?.confidences].filter(name => name !== undefined);
  // The parts of a sum share one gradient.
  const fetches = [...new Set([planned.logits, ...kept, ...passes, ...read])];
  return { session, planned, fetches, kept, furtherPasses: passes.length > 0 };
}

/** The runtime optimises in time that grows with the square of a graph's length. */
function levelFor({ nodes }: Graph): 'disabled' | undefined {
  return nodes.length > MAX_OPTIMIZED_NODES ? 'disabled' : undefined;
}

/** Session options without what belongs to the single session. */
export type NetworkSessionOptions = Omit<Parameters<typeof Session.create>[1] & object, 'signal' | 'externalFiles'>;
