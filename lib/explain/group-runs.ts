import type { ReadyImage } from '../network/images.ts';
import { seedFormOf } from '../network/seeds.ts';
import type { ImageProgress } from '../request/call-progress.ts';
import { readoutKey } from '../targets/readout.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';

/** One image and what is asked of it. */
export interface Work {
  readonly image: ReadyImage;
  readonly targets: readonly ResolvedTarget[];
  /** Place in the batch that the user gave. */
  readonly index: number;
  readonly progress?: ImageProgress | undefined;
}

/**
 * Groups images into network runs: images with one target each whose shapes and kinds of score agree share a run of up
 * to `batchSize`; an image with several targets has a run of its own.
 */
export function groupRuns(work: readonly Work[], batchSize: number): Work[][] {
  if (work.length === 1) return [[...work]];
  const runs: Work[][] = [];
  const open = new Map<string, Work[]>();
  for (const one of work) {
    if (one.targets.length > 1) {
      runs.push([one]);
      continue;
    }
    const key = JSON.stringify([
      one.image.tensor.dims,
      one.targets[0]!.output,
      readoutKey(one.targets[0]!.readout),
      seedFormOf(one.targets),
    ]);
    const run = open.get(key);
    if (run && run.length < batchSize) run.push(one);
    else {
      const started = [one];
      open.set(key, started);
      runs.push(started);
    }
  }
  return runs;
}
