import { differentiate, type Seed } from '../autodiff/differentiate.ts';
import { Emitter } from '../autodiff/emitter.ts';
import { appendReference } from '../autodiff/reference.ts';
import { deepLiftPatterns, deepLiftRules } from '../autodiff/rulesets/deep-lift.ts';
import { relevanceRules } from '../autodiff/rulesets/relevance.ts';
import { appendContrast } from '../autodiff/seed.ts';
import { OnnxCamError } from '../common/errors.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';

/** A graph that is being extended, with the facts of all its tensors. */
export interface Extended {
  readonly graph: Graph;
  /** Learns what is appended. */
  readonly facts: Map<string, TensorFacts>;
}

export interface AttributionOptions {
  /** Score tensor to what its backward pass starts from. */
  readonly seeds: Readonly<Record<string, Seed>>;
  readonly manyScores: boolean;
  /** See `DifferentiateOptions.blocks`. */
  readonly blocks: boolean;
}

/**
 * Appends relevance propagation from the logits to some layers.
 * @returns layer name to the tensor with its relevance, of the layer's shape
 * @throws `ERR_METHOD_UNSUPPORTED` for scores that are no combination of logits, `ERR_NO_GRADIENT`
 */
export function appendRelevance(
  { graph, facts }: Extended,
  layers: readonly string[],
  logits: string,
  { seeds, manyScores, blocks }: AttributionOptions,
): ReadonlyMap<string, string> {
  const { [logits]: seed, ...views } = seeds;
  if (!seed || Object.keys(views).length > 0)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      'relevance starts from logits: relevance-cam takes no probability or other function of them as target',
    );
  const contrast = appendContrast(graph, facts, logits, seed);
  const found = byRules('relevance propagation', () =>
    differentiate({
      graph,
      facts: contrast.facts,
      seeds: { [logits]: contrast.seed },
      wrt: layers,
      rules: relevanceRules,
      manyScores,
      blocks,
      prefix: 'relevance',
    }),
  );
  learn(facts, found.facts);
  return found.gradients;
}

/**
 * Appends DeepLIFT from the scores to one layer, with a run of the nodes behind it on zeros as reference.
 * @returns the tensor with the contributions, multiplier · A, of the layer's shape
 * @throws `ERR_NO_GRADIENT`
 */
export function appendContributions(
  { graph, facts }: Extended,
  layer: string,
  { seeds, manyScores, blocks }: AttributionOptions,
): string {
  const reference = appendReference(graph, facts, layer, Object.keys(seeds));
  const found = byRules('DeepLIFT', () =>
    differentiate({
      graph,
      facts: reference.facts,
      seeds,
      wrt: [layer],
      rules: deepLiftRules(reference),
      patterns: deepLiftPatterns(reference),
      manyScores,
      blocks,
      prefix: 'multiplier',
    }),
  );
  const emit = new Emitter(graph, found.facts, 'contribution');
  const multiplier = found.gradients.get(layer)!;
  const toValue = (name: string) => ({ name, ...emit.facts.get(name)! });
  const contributions = emit.mul(toValue(multiplier), toValue(layer));
  learn(facts, emit.facts);
  return contributions.name;
}

/** What has no rule here may well have a derivative. */
function byRules<T>(rules: string, differentiation: () => T): T {
  try {
    return differentiation();
  } catch (error) {
    if (!(error instanceof OnnxCamError) || error.code !== 'ERR_NO_GRADIENT') throw error;
    throw new OnnxCamError(
      error.code,
      `${error.message}; these are the rules of ${rules}, methods of plain gradients such as layer-cam may work`,
      { cause: error },
    );
  }
}

function learn(facts: Map<string, TensorFacts>, found: FactTable): void {
  for (const [name, known] of found) facts.set(name, known);
}
