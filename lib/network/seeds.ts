import type { Tensor } from '../engine/tensor.ts';
import { type SeedForm, seedInput } from '../plan/plan.ts';
import type { PlannedGraph } from '../plan/plan-graph.ts';
import type { ResolvedTarget, ScoreTerm } from '../targets/resolve.ts';
import type { ScoreView } from '../targets/target.ts';

/** How these targets are fed: as class indices where each is one logit of weight 1 and all read the same view. */
export function seedFormOf(targets: readonly ResolvedTarget[]): SeedForm {
  const [first] = targets[0]!.terms;
  const plain = targets.every(
    ({ terms: [term, ...more] }) =>
      more.length === 0 && term!.weight === 1 && !term!.opposite && term!.view === first!.view,
  );
  return plain ? { kind: 'index', view: first!.view } : { kind: 'dense', views: seedViews(targets) };
}

/** The views whose weights are fed, in a fixed order. */
export function seedViews(targets: readonly Pick<ResolvedTarget, 'terms'>[]): ScoreView[] {
  return [...new Set(targets.flatMap(target => slopes(target).map(({ view }) => view)))].sort();
}

/**
 * Terms with the derivatives of a target's, none of them an opposite one. With p = σ(z): σ(−z) = 1 − p,
 * log σ(−z) = log p − z, and −z + log σ(−z) = log p − 2z.
 */
export function slopes({ terms }: Pick<ResolvedTarget, 'terms'>): ScoreTerm[] {
  return terms.flatMap(({ opposite, ...term }) => {
    if (!opposite) return [term];
    const { view, weight } = term;
    if (view === 'logit' || view === 'probability') return [{ ...term, weight: -weight }];
    const logit = { ...term, view: 'logit' as const, weight: view === 'rest' ? -2 * weight : -weight };
    return [{ ...term, view: 'logProbability' as const }, logit];
  });
}

/** The inputs that say which score is differentiated. */
export function seedTensors(
  seed: SeedForm | undefined,
  targets: readonly ResolvedTarget[],
  classes: number,
  { classFeeds }: PlannedGraph,
): Record<string, Tensor> {
  if (!seed) return {};
  if (seed.kind === 'index') return classFeeds?.(targets.map(({ terms }) => terms[0]!.index)) ?? {};
  return denseSeeds(seed.views, targets, targets.length, classes);
}

/** Weights of every class [rows, classes] for each view; rows beyond the targets are zero. The targets hold no ranks. */
export function denseSeeds(
  views: readonly ScoreView[],
  targets: readonly Pick<ResolvedTarget, 'terms'>[],
  rows: number,
  classes: number,
): Record<string, Tensor> {
  const tensorOf = (view: ScoreView): Tensor<'float32'> => {
    const data = new Float32Array(rows * classes);
    targets.forEach((target, row) => {
      for (const term of slopes(target)) if (term.view === view) data[row * classes + term.index]! += term.weight;
    });
    return { type: 'float32', data, dims: [rows, classes] };
  };
  return Object.fromEntries(views.map(view => [seedInput(view), tensorOf(view)]));
}
