import type { Prediction } from '../result/explanation-fields.ts';
import type { PredictedClass } from './data.ts';

/** A class as a page names it. */
export const predictedClass = ({ index, label, probability }: Omit<Prediction, 'score'>): PredictedClass => ({
  index,
  label,
  probability: probability === null ? null : finite(probability),
});

/** JSON has no other numbers. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
