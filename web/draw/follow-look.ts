import { effect } from '@preact/signals';
import { look } from './look.ts';
import type { Look } from './paint.ts';

/** Paints now and after each change of the settings, once a frame; what changes while it paints is painted after. @returns what ends this */
export function followLook(paintOne: (wanted: Look) => Promise<void>): () => void {
  let ended = false;
  let frame = 0;
  let isPainting = false;
  let wanted: Look | null = null;
  const run = async () => {
    frame = 0;
    if (isPainting) return;
    isPainting = true;
    while (wanted && !ended) {
      const now = wanted;
      wanted = null;
      await paintOne(now);
    }
    isPainting = false;
  };
  const end = effect(() => {
    wanted = look();
    frame ||= requestAnimationFrame(run);
  });
  return () => {
    ended = true;
    cancelAnimationFrame(frame);
    end();
  };
}

export function isSameLook(a: Look, b: Look): boolean {
  return (Object.keys(a) as (keyof Look)[]).every(name => a[name] === b[name]);
}
