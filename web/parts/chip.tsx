import type { ComponentChildren } from 'preact';

export interface ChipProps {
  readonly kind?: 'plain' | 'good' | 'bad' | 'warn';
  /** What is said in full while the pointer rests on it. */
  readonly title?: string;
  readonly children: ComponentChildren;
}

/** A word that marks something. */
export function Chip({ kind = 'plain', title, children }: ChipProps) {
  return (
    <span class={`chip ${kind}`} title={title}>
      {children}
    </span>
  );
}
