import type { ComponentChildren } from 'preact';

export interface ScrollProps {
  /** What lies in it, for screen readers. */
  readonly label: string;
  /** Whether it is no taller than a window either. */
  readonly tall?: boolean;
  readonly children: ComponentChildren;
}

/** What may be wider than the page scrolls in here, by the keyboard too. */
export function Scroll({ label, tall, children }: ScrollProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll what has the focus
    <section class={tall ? 'scroll tall' : 'scroll'} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
