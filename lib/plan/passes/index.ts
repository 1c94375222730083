import { blockGradient } from './block-gradient.ts';
import { contributions } from './contributions.ts';
import { curvature } from './curvature.ts';
import { guided } from './guided.ts';
import type { Pass } from './pass.ts';
import { prefix } from './prefix.ts';
import { relevance } from './relevance.ts';

/** In the order in which they are appended: the curvature starts from the gradients, which are there before all passes. */
export const PASSES = {
  curvature,
  guided,
  relevance,
  contributions,
  block: blockGradient,
  prefix,
} as const satisfies Record<string, Pass>;

export type PassKind = keyof typeof PASSES;

export const PASS_KINDS = Object.keys(PASSES) as PassKind[];

/** The layers, by name, that each pass is asked for; passes that nobody asks for are left out. */
export type AskedPasses = Readonly<Partial<Record<PassKind, readonly string[]>>>;

/** Something of every kind of pass. */
export function ofEachPass<T>(make: (kind: PassKind) => T): Record<PassKind, T> {
  return Object.fromEntries(PASS_KINDS.map(kind => [kind, make(kind)])) as Record<PassKind, T>;
}

/** Whether some of the passes start from a score. */
export function hasBackwardPass(asked: AskedPasses | undefined): boolean {
  return PASS_KINDS.some(kind => PASSES[kind].backward && asked?.[kind] !== undefined);
}
