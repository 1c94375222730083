import type { MetricValue } from '../definition.ts';

/** In a mask: takes no part in sums, ranks and areas. */
export const IGNORED = 255;

/** Of metrics that need to know where the object is. */
export const NO_OBJECT: MetricValue = { value: null, reason: 'the truth marks nothing in this picture' };
