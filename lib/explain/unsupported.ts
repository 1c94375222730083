import { OnnxCamError } from '../common/errors.ts';
import { chooseMethods } from '../methods/choose.ts';
import type { Logits } from '../model/find/logits.ts';
import type { Network } from '../network/network.ts';
import { seedFormOf } from '../network/seeds.ts';
import type { ExplainOptions } from '../options.ts';
import { hasBackwardPass } from '../plan/passes/index.ts';
import { planGraph } from '../plan/plan-graph.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import { inputLayer } from '../request/layers.ts';
import type { ExplainRequest } from '../request/request.ts';
import { resolveFor } from '../request/targets.ts';
import { parseTarget } from '../targets/parse.ts';
import { outputOf, type ResolvedTarget, scoringGraphOf } from '../targets/resolve.ts';
import type { Target, TargetInput } from '../targets/target.ts';
import { camHeadOf } from './classifier-rows.ts';
import { checkDetections } from './detection-similarity.ts';
import { similarImages, withEmbeddings } from './similar-images.ts';
import type { Stage } from './stage.ts';

/** What decides, besides the method, whether a map can be made. */
export interface SupportOptions extends Pick<ExplainOptions, 'layer' | 'params' | 'convention'> {
  /** What is to be explained (default 'top1'). */
  readonly target?: TargetInput | undefined;
}

/**
 * The methods that cannot be run on this model, layer and target, each with the error that `explain` would give. Found
 * on the graph alone: no session is made.
 * @throws `ERR_TARGET_UNKNOWN`, `ERR_TARGET_RANGE`, `ERR_OPTION_INVALID`, `ERR_METHOD_UNKNOWN`, which no choice of
 * methods mends.
 */
export function findUnsupported(
  { network, requests, setting }: Pick<Stage, 'network' | 'requests' | 'setting'>,
  methods: readonly string[],
  { target = 'top1', params, ...options }: SupportOptions,
): Map<string, OnnxCamError> {
  chooseMethods({ methods, params });
  const parsed = parseTarget(target);
  const scored = scoringGraphOf(parsed) !== undefined;
  const targets = scored ? [OWN_SCORE] : resolveFor(network, withPlaceholders(network, parsed), setting.labels, true);
  const head = scored ? summed(network.model.logits) : network.head(targets[0]!);
  const gradients = new Map<string, OnnxCamError | null>();
  /** Methods on the same layers meet the same obstacle: the network is differentiated once for them. */
  const gradientObstacle = (request: ExplainRequest): OnnxCamError | null => {
    const key = JSON.stringify([gradientLayers(request), request.passes]);
    const known = gradients.has(key)
      ? gradients.get(key)!
      : errorOf(() => planGradients(network, request, head, targets));
    gradients.set(key, known);
    return known;
  };
  const unsupported = new Map<string, OnnxCamError>();
  for (const method of methods) {
    const error = errorOf(() => {
      const asked = requests.make({ ...options, methods: [method] });
      const { definition } = asked.methods[0]!;
      const request = definition.needs.optimizer ? upToInput(asked, network) : asked;
      const backward = gradientLayers(request).length > 0 || hasBackwardPass(request.passes);
      const obstacle = backward ? gradientObstacle(request) : null;
      if (obstacle) throw obstacle;
      checkDetections(definition, targets);
      for (const one of targets) definition.ownScore?.check(one, scored ? 1 : network.head(one).classes);
      if (definition.needs.classifier === true)
        for (const layer of request.layers) camHeadOf(network, layer, definition, targets);
    });
    if (error) unsupported.set(method, error);
  }
  return unsupported;
}

/** Whatever a graph of the user's makes of the outputs. */
const OWN_SCORE: ResolvedTarget = {
  kind: 'graph',
  terms: [{ view: 'logit', index: 0, weight: 1 }],
  classification: false,
};

/** A score of an output with many positions, which a graph of the user's may read in any way. */
const summed = (logits: Logits): ScoreHead =>
  logits.spatial ? { ...logits, spatial: false, readout: { kind: 'region', region: 'predicted' } } : logits;

/** What an optimiser of masks differentiates: the network from its input on, which the mask is in front of. */
function upToInput(request: ExplainRequest, { model }: Network): ExplainRequest {
  return { ...request, layers: [inputLayer(model)], gradients: [model.input.name], passes: {} };
}

/** Any vector shows what can be done with a picture's. */
function withPlaceholders(network: Network, target: Target): Target {
  if (similarImages(target).length === 0) return target;
  const { classes } = network.head({ output: outputOf(target) });
  return withEmbeddings(target, () => new Float32Array(classes).fill(1));
}

/** The layers whose gradients are needed in whichever run. */
function gradientLayers({ methods, layers, gradients }: ExplainRequest): readonly string[] {
  const own = methods.some(({ definition, needs }) => definition.ownScore && needs.gradients);
  return own ? layers.map(({ name }) => name) : gradients;
}

function planGradients(
  { model }: Network,
  request: ExplainRequest,
  head: ScoreHead,
  targets: readonly ResolvedTarget[],
): void {
  planGraph(model, model.facts, head, request.layers, {
    activations: [],
    gradients: gradientLayers(request),
    passes: request.passes,
    seed: seedFormOf(targets),
    manyScores: false,
  });
}

function errorOf(attempt: () => void): OnnxCamError | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof OnnxCamError) return error;
    throw error;
  }
}
