import type { PictureShape } from '../kernels/picture-values.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { drawOf } from './support/draw.ts';
import { SCORE, scoreOf } from './support/score-param.ts';
import { spearman } from './support/spearman.ts';
import { onceFor, sumOver, withEachReplaced } from './support/subsets.ts';

interface Cells {
  readonly cells: number;
  readonly share: number;
  readonly n: number;
}

/**
 * Spearman's correlation of Σ S over removed pixels with f(x) − f(removed), over random removals: each cell of a coarse grid goes
 * with the same probability, by itself. 0 where one of the two does not vary. Depends on the seed.
 */
export const muFidelity = defineMetric({
  name: 'mu-fidelity',
  title: 'μ-fidelity',
  family: 'correlation',
  source: 'Bhatt et al. 2020, arXiv:2005.00631, as Xplique computes it',
  direction: 'higher',
  range: [-1, 1],
  unit: 'correlation',
  needs: { scores: true },
  cost: 'n F',
  params: {
    score: SCORE,
    cells: { type: 'integer', min: 1, max: 1024, default: 9, description: 'cells in each direction of the grid' },
    share: { type: 'number', min: 0, max: 1, default: 0.2, description: 'probability that a cell is removed' },
    n: { type: 'integer', min: 2, default: 200, description: 'removals' },
    baseline: baselineParam('zero'),
  },
  variants: async asked => {
    const { subject, params } = asked;
    const to = await subject.baseline(baselineOf(params));
    return withEachReplaced(subject, to, removals(asked));
  },
  measure: async (asked, scores) => {
    const { subject, map, params } = asked;
    const kind = scoreOf(params);
    const sums = Float32Array.from(removals(asked), order => sumOver(map.data, order));
    const losses = Float32Array.from(scores[kind], score => subject.score(kind) - score);
    if (losses.some(Number.isNaN)) return { value: null, reason: 'a score is NaN' };
    const value = await spearman(sums, losses);
    return value === null ? { value: 0, reason: 'the sums or the scores do not vary' } : { value };
  },
});

/** Pixels of each removal, cell by cell. */
function removals({ subject, params }: MetricCase): Uint32Array[] {
  const { cells, share, n } = params as unknown as Cells;
  return onceFor(subject, `mu-fidelity ${cells} ${share} ${n}`, () => {
    const members = cellsOf(subject.shape, cells);
    return Array.from({ length: n }, (_, sample) => {
      const random = drawOf(subject, 'mu-fidelity', sample);
      const removed = members.filter(() => random.uniform() < share);
      const order = new Uint32Array(removed.reduce((sum, cell) => sum + cell.length, 0));
      let at = 0;
      for (const cell of removed) {
        order.set(cell, at);
        at += cell.length;
      }
      return order;
    });
  });
}

/** Pixels of each cell of the grid; those of a grid finer than the picture may have none. */
function cellsOf({ width, height }: PictureShape, cells: number): Uint32Array[] {
  const members = Array.from({ length: cells * cells }, (): number[] => []);
  const cellAt = (at: number, length: number) => Math.floor(((at + 0.5) * cells) / length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) members[cellAt(y, height) * cells + cellAt(x, width)]!.push(y * width + x);
  return members.map(pixels => Uint32Array.from(pixels));
}
