import type { Tensor } from '../engine/tensor.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreView } from '../targets/target.ts';
import { type SeedForm, seedInput } from './plan.ts';
import type { PlannedGraph } from './plan-graph.ts';

/** How these targets are fed: as class indices where each is one logit of weight 1 and all read the same view. */
export function seedFormOf(targets: readonly ResolvedTarget[]): SeedForm {
  if (targets.length === 1 && targets[0]!.terms.length === 1 && targets[0]!.terms[0]!.weight === 1)
    return { kind: 'index', view: targets[0]!.terms[0]!.view };
  const views = new Set(targets.flatMap(({ terms }) => terms.map(({ view }) => view)));
  const plain = targets.every(({ terms }) => terms.length === 1 && terms[0]!.weight === 1);
  if (plain && views.size === 1) return { kind: 'index', view: [...views][0]! };
  return { kind: 'dense', views: [...views].sort() };
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
    targets.forEach(({ terms }, row) => {
      for (const term of terms) if (term.view === view) data[row * classes + term.index]! += term.weight;
    });
    return { type: 'float32', data, dims: [rows, classes] };
  };
  return Object.fromEntries(views.map(view => [seedInput(view), tensorOf(view)]));
}
