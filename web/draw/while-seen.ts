const watched = new Map<Element, (isSeen: boolean) => void>();

/** One for all: a page may have a thousand pictures. A screen around what is seen is drawn before it comes into view. */
const observer = new IntersectionObserver(
  entries => {
    for (const { isIntersecting, target } of entries) watched.get(target)?.(isIntersecting);
  },
  { rootMargin: '100%' },
);

/** Tells when an element comes near to what is seen, and when it leaves. @returns what ends this */
export function whileSeen(element: Element, tell: (isSeen: boolean) => void): () => void {
  watched.set(element, tell);
  observer.observe(element);
  return () => {
    watched.delete(element);
    observer.unobserve(element);
  };
}

/** Takes all for seen, until they leave what is seen again. */
export function seeAll(): void {
  for (const tell of [...watched.values()]) tell(true);
}
