import type { ExplanationEvent, Interim, ServedExplanation } from './api.ts';

/** Milliseconds between two lines. */
const INTERVAL = 100;

/**
 * What becomes of some work, as lines of JSON: the last thing said as often as somebody reads, at most ten times a second, then how it
 * ended. Whoever reads slowly misses what is no longer true.
 * @param start begins it, and says how far it is
 * @param failed what is told of an error
 * @throws what `start` throws at once
 */
export function eventLines(
  start: (tell: (event: Interim) => void) => Promise<ServedExplanation>,
  failed: (error: unknown) => ExplanationEvent,
): AsyncGenerator<string, void, void> {
  const box: Box = { wake: () => {} };
  const put = (event: Pick<Box, 'latest' | 'end'>) => {
    Object.assign(box, event);
    box.wake();
  };
  start(latest => put({ latest }))
    .catch(failed)
    .then(end => put({ end }));
  return linesOf(box);
}

/** Between the work and whoever reads. */
interface Box {
  latest?: Interim | undefined;
  end?: ExplanationEvent;
  wake: () => void;
}

async function* linesOf(box: Box): AsyncGenerator<string, void, void> {
  let next = 0;
  while (!box.end) {
    const { latest } = box;
    const early = next - performance.now();
    if (!latest || early > 0) {
      await change(box, latest ? early : undefined);
      continue;
    }
    box.latest = undefined;
    next = performance.now() + INTERVAL;
    yield line(latest);
  }
  yield line(box.end);
}

const line = (event: ExplanationEvent): string => `${JSON.stringify(event)}\n`;

/** Until something is put into it, or a while. */
function change(box: Box, milliseconds: number | undefined): Promise<void> {
  return new Promise(resolve => {
    const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
    box.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
