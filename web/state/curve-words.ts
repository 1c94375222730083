/** What the axes of a metric's curve are. */
export interface Axes {
  readonly x: string;
  readonly y: string;
}

const MOST = 'share removed, most important first';
const LEAST = 'share removed, least important first';
const AXES: Readonly<Record<string, Axes>> = {
  deletion: { x: MOST, y: 'score' },
  'lerf-deletion': { x: LEAST, y: 'score' },
  insertion: { x: 'share inserted, most important first', y: 'score' },
  aopc: { x: MOST, y: 'score that is lost' },
  'road-morf': { x: '% kept, most important replaced', y: 'change of the score' },
  'road-lerf': { x: '% kept, least important replaced', y: 'change of the score' },
  road: { x: '% kept', y: '(least − most important) / 2' },
};

export function axesOf(metric: string): Axes {
  return AXES[metric] ?? { x: 'step', y: 'value' };
}
