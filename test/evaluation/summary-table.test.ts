import { expect, it } from 'vitest';
import { SummaryBuilder } from '../../lib/evaluation/summary.ts';
import { PERCENTAGES, summaryTable } from '../../lib/evaluation/summary-table.ts';
import { METRICS } from '../../lib/metrics/registry.ts';
import { fakeRow, METRICS as SUMMED } from '../cli/evaluation-rows.ts';

it('shares of the confidence family are percentages', () => {
  const shares = METRICS.filter(({ family, unit }) => family === 'confidence' && unit !== 'score');
  expect([...PERCENTAGES].sort()).toEqual(shares.map(({ name }) => name).sort());
});

it('rounding makes no method the best', async () => {
  const best = async (values: Readonly<Record<string, readonly number[]>>) => {
    const builder = new SummaryBuilder({ metrics: SUMMED, seed: 0, resamples: 50 });
    for (const [method, own] of Object.entries(values))
      own.forEach((value, i) => {
        builder.add(fakeRow(`image ${i}`, i, method, 'insertion', value));
      });
    const [column] = summaryTable(await builder.summary({} as never)).columns;
    return column!.cells.map(cell => cell!.isBest);
  };
  // Sums are 0.6000000000000001 and 0.6.
  expect(await best({ 'grad-cam': [0.1, 0.2, 0.3], 'layer-cam': [0.3, 0.2, 0.1] })).toEqual([false, false]);
  expect(await best({ 'grad-cam': [0.1, 0.2, 0.3], 'layer-cam': [0.3, 0.2, 0.1], 'x-grad-cam': [0, 0, 0] })).toEqual([
    true,
    true,
    false,
  ]);
});
