import type { Session } from '../engine/session.ts';

/** Items per run and runs at once. Items in memory are bounded by their product. */
export interface Schedule {
  readonly chunk: number;
  readonly parallel: number;
}

/** `device`: batches stay in the GPU's memory, written and read by kernels of our own. */
export type Provider = 'cpu' | 'accelerator' | 'device';

/** What a schedule is chosen for. */
export interface Setting {
  readonly provider: Provider;
  /** Threads that the explainer may keep busy; runs on the CPU use one each. */
  readonly threads: number;
  /** The user's `batchSize`, or the batch of models where it is fixed. */
  readonly chunk?: number;
  /** Whose schedules are taken and kept, where that is not the session itself. */
  readonly like?: Session;
}

/** Items of a trial that are measured, per run at once; they follow one round that warms memory up. */
const MEASURED = 8;
/** Requests smaller than this many trials are run as the rule of thumb says. */
const WORTH = 4;
/** How much faster than the rule of thumb a trial must be: less is within the noise. */
const MARGIN = 0.97;

/** What was measured on a session, by what it was measured for. */
const chosen = new WeakMap<Session, Map<string, Schedule>>();

/** Items that a session's memory holds at once, where larger batches did not fit. */
const limits = new WeakMap<Session, number>();

/**
 * The rule of thumb first, then what else is tried. On a CPU small batches win, because activations stay in the cache,
 * and one-thread runs side by side scale better than threads within a run; an accelerator wants large batches. On a device
 * there is one queue, in which two batches are under way.
 */
function candidates({ provider, threads }: Setting): readonly [Schedule, ...Schedule[]] {
  if (provider === 'cpu')
    return [
      { chunk: 4, parallel: threads },
      { chunk: 1, parallel: threads },
      { chunk: 8, parallel: threads },
    ];
  if (provider === 'device')
    return [
      { chunk: 128, parallel: 1 },
      { chunk: 64, parallel: 1 },
      { chunk: 256, parallel: 1 },
    ];
  return [
    { chunk: 64, parallel: 1 },
    { chunk: 64, parallel: 2 },
    { chunk: 32, parallel: 2 },
    { chunk: 128, parallel: 1 },
  ];
}

/** The schedule of requests too small to measure with, and of tails. */
export function ruleOfThumb(setting: Setting): Schedule {
  const [first] = candidates(setting);
  return { ...first, chunk: setting.chunk ?? first.chunk };
}

/** Runs items [begin, end) and returns their scores and how long it took. */
export type RunItems = (
  begin: number,
  end: number,
  schedule: Schedule,
) => Promise<{ scores: Float64Array; chunk: number; milliseconds: number }>;

/**
 * Scores `total` items of a session. The first request that is large enough tries the candidates on its own first items,
 * so that measuring costs no run that isn't needed anyway; the session keeps the fastest.
 */
export async function runScheduled(
  session: Session,
  setting: Setting,
  total: number,
  columns: number,
  runItems: RunItems,
  warn?: (warning: string) => void,
): Promise<Float64Array> {
  const run: RunItems = async (begin, end, wanted) => {
    const chunk = Math.min(wanted.chunk, limits.get(session) ?? wanted.chunk);
    const part = await runItems(begin, end, { ...wanted, chunk });
    if (part.chunk < chunk) {
      limits.set(session, part.chunk);
      warn?.(`batches of ${chunk} did not fit into memory and were halved down to ${part.chunk}`);
    }
    return part;
  };
  const timed = setting.like ?? session;
  const key = `${setting.provider} ${setting.threads}`;
  const known = setting.chunk === undefined ? chosen.get(timed)?.get(key) : undefined;
  const all = candidates(setting);
  const trial = all.reduce((sum, { chunk, parallel }) => sum + (chunk + Math.max(chunk, MEASURED)) * parallel, 0);
  if (setting.chunk !== undefined || known || total < WORTH * trial)
    return (await run(0, total, known ?? ruleOfThumb(setting))).scores;

  const scores = new Float64Array(total * columns);
  let done = 0;
  const next = async (count: number, schedule: Schedule): Promise<number> => {
    const part = await run(done, done + count, schedule);
    scores.set(part.scores, done * columns);
    done += count;
    return part.milliseconds / count;
  };
  let best = all[0];
  let fastest = 0;
  for (const [index, schedule] of all.entries()) {
    const round = schedule.chunk * schedule.parallel;
    await next(round, schedule);
    const cost = await next(Math.max(round, MEASURED * schedule.parallel), schedule);
    if (index > 0 && cost > fastest * MARGIN) continue;
    best = schedule;
    fastest = cost;
  }
  if (!chosen.has(timed)) chosen.set(timed, new Map());
  chosen.get(timed)!.set(key, best);
  await next(total - done, best);
  return scores;
}
