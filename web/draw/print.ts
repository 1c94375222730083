import { seeAll } from './while-seen.ts';

/** Milliseconds without another picture drawn, after which the rest is taken for missing. */
const PATIENCE = 2000;

/** Prints the page once all its pictures are drawn, those out of view too. */
export async function printAll(): Promise<void> {
  seeAll();
  let last = performance.now();
  let left = undrawn();
  while (left > 0 && performance.now() - last < PATIENCE) {
    await nextFrame();
    const now = undrawn();
    if (now !== left) last = performance.now();
    left = now;
  }
  // They are painted in the frame after they were placed.
  for (let i = 0; i < 2; i++) await nextFrame();
  print();
}

const undrawn = (): number => document.querySelectorAll('.map-canvas[data-drawn="false"]').length;
const nextFrame = () => new Promise(resolve => requestAnimationFrame(resolve));
