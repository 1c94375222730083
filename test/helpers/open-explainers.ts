import { afterAll } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';

/** `load` for the file or suite that this is called in: what it opened is disposed of when that is done. */
export function explainerOpener(): typeof load {
  const opened: Explainer[] = [];
  afterAll(() => Promise.all(opened.map(cam => cam.dispose())));
  return async (...args) => {
    const cam = await load(...args);
    opened.push(cam);
    return cam;
  };
}
