import type { MetricRow } from '../../lib/evaluation/rows.ts';

/** Metrics of made-up evaluations. */
export const METRICS = [
  { name: 'average-drop', direction: 'lower' },
  { name: 'insertion', direction: 'higher' },
] as const;

/** A row whose value alone matters. */
export function fakeRow(image: string, index: number, method: string, metric: string, value: number): MetricRow {
  const about = { image, index, class: 1, label: 'cat', probability: 0.5, correct: null };
  return {
    ...about,
    method,
    layer: 'auto',
    convention: 'paper',
    params: '',
    metric,
    value,
    status: 'ok',
    reason: null,
    runs: 1,
    ms: 1,
  };
}
