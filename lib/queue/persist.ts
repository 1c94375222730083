import { setTimeout as sleep } from 'node:timers/promises';
import { onAbort } from '../common/abort-listeners.ts';
import { isError } from '../common/kinds.ts';
import { isLost } from './hold.ts';

/** ms between two attempts. */
const BETWEEN = 1_000;
/** ms for what is on its way when the worker is told to end. */
const GRACE = 5_000;

/** How a worker that waits for its server does so. */
export interface Persistence {
  /** Fires when the worker is to end: then some seconds are left. */
  readonly signal: AbortSignal;
  /** Told why it is being waited. */
  readonly waiting: (reason: unknown) => void;
}

/**
 * Tries again until the server is there.
 * @throws what is no matter of the server (`isLost`); some seconds after the signal has fired, what hindered it
 */
export async function persist<T>(task: () => Promise<T>, { signal, waiting }: Persistence): Promise<T> {
  for (;;) {
    try {
      return await withinGrace(task(), signal);
    } catch (error) {
      if (isLost(error) || isFaultOfProgram(error) || signal.aborted) throw error;
      waiting(error);
      await sleep(BETWEEN, undefined, { signal }).catch(() => {});
    }
  }
}

const isFaultOfProgram = (error: unknown): boolean => isError(error) && error.name === 'TypeError';

/** A client whose server has gone may never answer. */
async function withinGrace<T>(task: Promise<T>, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let forget = () => {};
  const late = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => {
      timer = setTimeout(() => reject(new Error('its server does not answer')), GRACE);
    });
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    forget();
    clearTimeout(timer);
  }
}
