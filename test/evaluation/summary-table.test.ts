import { expect, it } from 'vitest';
import { PERCENTAGES } from '../../lib/evaluation/summary-table.ts';
import { METRICS } from '../../lib/metrics/registry.ts';

it('shares of the confidence family are percentages', () => {
  const shares = METRICS.filter(({ family, unit }) => family === 'confidence' && unit !== 'score');
  expect([...PERCENTAGES].sort()).toEqual(shares.map(({ name }) => name).sort());
});
