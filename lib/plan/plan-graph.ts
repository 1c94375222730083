import type { ClassSeed } from '../autodiff/seed.ts';
import { pushAll } from '../common/sizes.ts';
import type { Steps } from '../common/slices.ts';
import { toEnd } from '../common/to-end.ts';
import type { FactTable } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import type { Model } from '../model/load-model.ts';
import type { HeadChoice } from '../targets/resolve.ts';
import { asFloat32, feedFloat32 } from './conversions.ts';
import { FedSeeds } from './fed-seeds.ts';
import { refuseDetections } from './no-gradient.ts';
import { ofEachPass, PASS_KINDS, PASSES, type PassKind } from './passes/index.ts';
import type { AppendedLayers } from './passes/pass.ts';
import type { NetworkPlan } from './plan.ts';
import { PlanWriter } from './plan-writer.ts';
import type { ScoreHead } from './score-head.ts';
import type { TargetLayer } from './target-layer.ts';

/** A model rewritten to give what a plan asks for; all outputs are float32. */
export interface PlannedGraph {
  readonly graph: Graph;
  /** Name of the image input, which takes float32. */
  readonly input: string;
  /** The inputs that say which class each score is of, where the plan feeds classes. */
  readonly classFeeds: ClassSeed['feeds'] | undefined;
  /** Output names: logits [N, classes]; by layer name the feature maps [N, C, …positions] and their gradients. */
  readonly logits: string;
  readonly activations: ReadonlyMap<string, string>;
  readonly gradients: ReadonlyMap<string, string>;
  /** The region that the scores are sums over, bool, broadcastable to the head's tensor; where the plan asks for it. */
  readonly region?: string;
  /** Boxes [N,A,4] and confidences [N,A,K] of a detection's candidates, where the plan asks for them. */
  readonly candidates?: { readonly boxes: string; readonly confidences: string };
  /** What further passes give, by layer name; a layer whose curvature is zero everywhere is left out. */
  readonly passes: Readonly<Record<PassKind, ReadonlyMap<string, string>>>;
}

/**
 * Adds to a copy of the model's graph: outputs for the activations, the score views, the backward nodes, and the
 * conversions that make every layout NCHW and every type float32.
 * @param options.blocks see `DifferentiateOptions.blocks`: false for sessions that are not on the CPU.
 * @throws `ERR_NO_GRADIENT` when an operator on the way has no rule.
 */
export function planGraph(...asked: Parameters<typeof planSteps>): PlannedGraph {
  return toEnd(planSteps(...asked));
}

/** The same in steps: differentiating goes through the whole graph, for each pass. */
export function* planSteps(
  model: Model,
  facts: FactTable,
  head: ScoreHead,
  layers: readonly TargetLayer[],
  plan: Omit<NetworkPlan, keyof HeadChoice>,
  { blocks = true } = {},
): Steps<PlannedGraph> {
  if (plan.seed) refuseDetections(head);
  const { manyScores } = plan;
  const graph = model.graph.clone();
  const known = new Map(facts);
  const input = feedFloat32(graph, known, model.input.name);
  const seeding = new FedSeeds(head, plan.seed);
  const writer = new PlanWriter({ graph, facts: known, input, head, seeding, manyScores, blocks });
  const own = graph.outputs.filter(({ name }) => name === writer.logits);
  graph.outputs.length = 0;
  pushAll(graph.outputs, own);
  const gradients =
    plan.seed && plan.gradients.length > 0
      ? yield* writer.appendGradients(layers.filter(({ name }) => plan.gradients.includes(name)))
      : [];
  // Before the outputs, which are the last that is appended.
  const appended = new Map<PassKind, AppendedLayers>();
  for (const kind of PASS_KINDS) {
    const asked = layers.filter(({ name }) => plan.passes?.[kind]?.includes(name));
    if (asked.length > 0) appended.set(kind, yield* PASSES[kind].append(writer, asked));
  }
  const activations = layers
    .filter(({ name }) => plan.activations.includes(name))
    .map(layer => [layer.name, writer.output(writer.featureMaps(layer.name, layer))] as const);
  const outputs = (tensors: readonly (readonly [string, string])[]) =>
    new Map(tensors.map(([layer, tensor]) => [layer, writer.output(tensor)]));
  const { region, candidates } = writer.readout;
  return {
    graph,
    input,
    classFeeds: seeding.classFeeds,
    logits: writer.output(asFloat32(graph, writer.facts, writer.logits)),
    activations: new Map(activations),
    region: plan.region && region ? writer.output(region) : undefined,
    candidates:
      plan.candidates && candidates
        ? { boxes: writer.output(candidates.boxes), confidences: writer.output(candidates.confidences) }
        : undefined,
    gradients: outputs(gradients),
    passes: ofEachPass(kind => outputs(appended.get(kind) ?? [])),
  };
}
