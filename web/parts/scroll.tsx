import type { ComponentChildren } from 'preact';

export interface ScrollProps {
  /** What lies in it, for screen readers. */
  readonly label: string;
  readonly children: ComponentChildren;
}

/** What may be wider than the page scrolls in here, by the keyboard too. */
export function Scroll({ label, children }: ScrollProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll what has the focus
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
