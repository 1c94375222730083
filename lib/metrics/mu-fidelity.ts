import { defineMetric, type MetricCase } from './definition.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { spearman } from './support/correlation.ts';
import { drawOf } from './support/draw.ts';
import { SCORE, scoreOf } from './support/score-param.ts';
import { onceFor, sumOver } from './support/subsets.ts';

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
    return removals(asked).map(order => ({ from: subject.input, to, order, begin: 0, end: order.length }));
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

function removals({ subject, params }: MetricCase): Uint32Array[] {
  const { cells, share, n } = params as unknown as Cells;
  const { width, height } = subject.shape;
  return onceFor(subject, `mu-fidelity ${cells} ${share} ${n}`, () => {
    const [rows, columns] = [cellOf(height, cells), cellOf(width, cells)];
    return Array.from({ length: n }, (_, sample) => {
      const random = drawOf(subject, 'mu-fidelity', sample);
      const removed = Uint8Array.from({ length: cells * cells }, () => Number(random.uniform() < share));
      const pixels: number[] = [];
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) if (removed[rows[y]! * cells + columns[x]!]) pixels.push(y * width + x);
      return Uint32Array.from(pixels);
    });
  });
}

/** The cell of each pixel of a line: the nearest. */
function cellOf(length: number, cells: number): number[] {
  return Array.from({ length }, (_, i) => Math.floor(((i + 0.5) * cells) / length));
}
