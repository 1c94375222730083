import { randomGrids } from '../kernels/random.ts';
import type { Maps } from '../kernels/types.ts';
import type { GridMasks } from '../scoring/mask-request.ts';
import type { PictureScorer } from '../scoring/picture-scorer.ts';
import type { ScoreView } from '../targets/target.ts';
import { defineMethod, type MethodContext, type ParamSpec, pictureScorerOf } from './definition.ts';

/**
 * N random masks: grids of `cells` × `cells` that are 1 with probability p, upsampled to one cell more than the image and
 * shifted by less than a cell (the official code).
 */
export async function randomMasks(
  { width, height }: PictureScorer['size'],
  { n, cells, p, seed }: { n: number; cells: number; p: number; seed: number },
): Promise<GridMasks> {
  const cell = [Math.ceil(height / cells), Math.ceil(width / cells)] as const;
  const { grids: data, offsets } = await randomGrids(seed, n, cells * cells, cell, p);
  return { grids: { data, dims: [n, cells, cells] }, canvas: [(cells + 1) * cell[0], (cells + 1) * cell[1]], offsets };
}

/** The parameters of methods with random masks. */
export function riseParams({ n, cells }: { n: number; cells: number }): Readonly<Record<string, ParamSpec>> {
  return {
    n: { type: 'integer', default: n, min: 1, description: 'random masks' },
    cells: { type: 'integer', default: cells, min: 1, description: 'cells along each side of a mask' },
    p: { type: 'number', default: 0.5, min: 0.001, max: 1, description: 'share of cells that are shown' },
  };
}

/** M = 1/(N p) Σ_n score(x ⊙ m_n) m_n for each target, [T, H, W]. */
export async function riseMap(context: MethodContext, view: ScoreView | undefined): Promise<Maps> {
  const scorer = pictureScorerOf(context);
  const [n, cells, p] = [context.params.n as number, context.params.cells as number, context.params.p as number];
  const masks = await randomMasks(scorer.size, { n, cells, p, seed: context.seed });
  const scores = await scorer.gridMasks(masks, view);
  return scorer.sumGridMasks(
    masks,
    scores.map(score => score / (n * p)),
  );
}

/** M = 1/(N p) Σ_n score(x ⊙ m_n) m_n: every pixel's mean score over the masks that show it. Needs no layer. */
export const rise = defineMethod({
  name: 'rise',
  title: 'RISE',
  family: 'score',
  paper: 'arXiv:1806.07421',
  needs: { activations: true, scores: ['masks'] },
  cost: 'nF',
  params: riseParams({ n: 4000, cells: 7 }),
  conventions: [],
  relu: false,
  scope: 'graph',
  reads: 'input',
  compute: async (_, context) => ({ maps: await riseMap(context, 'probability') }),
});
