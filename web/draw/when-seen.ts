const waiting = new Map<Element, () => void>();

/** One for all: a page may have a thousand pictures. A screen around what is seen is drawn before it comes into view. */
const observer = new IntersectionObserver(
  entries => {
    for (const { isIntersecting, target } of entries) {
      const act = waiting.get(target);
      if (!isIntersecting || !act) continue;
      forget(target);
      act();
    }
  },
  { rootMargin: '100%' },
);

/** Acts once, when an element comes near to what is seen. @returns what takes this back */
export function whenSeen(element: Element, act: () => void): () => void {
  waiting.set(element, act);
  observer.observe(element);
  return () => forget(element);
}

/** Acts now for all that wait. */
export function seeAll(): void {
  for (const [element, act] of [...waiting]) {
    forget(element);
    act();
  }
}

function forget(element: Element): void {
  waiting.delete(element);
  observer.unobserve(element);
}
