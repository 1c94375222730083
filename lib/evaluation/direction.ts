import type { Direction } from '../metrics/definition.ts';

/** What a summary has to know of a metric. */
export interface SummedMetric {
  readonly name: string;
  readonly direction: Direction;
}

/** Maps that show what chance scores (controls.ts). */
export const CONTROLS = ['random', 'centre', 'constant'] as const;
export type Control = (typeof CONTROLS)[number];

export function isControl(method: string): method is Control {
  return (CONTROLS as readonly string[]).includes(method);
}
