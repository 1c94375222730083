import { throwIfAborted } from '../errors.ts';
import { type CancellationHandle, native } from './native.ts';

/** Work under way by signal: one listener each, however many runs share it (Node warns of more than ten). */
const underWay = new WeakMap<AbortSignal, Set<CancellationHandle>>();

/**
 * Starts native work that a signal can end.
 * @throws `ERR_ABORTED` when the signal fires before the work is done; queued work then never begins.
 */
export async function withSignal<T>(
  signal: AbortSignal | undefined,
  start: (cancellation?: CancellationHandle) => Promise<T>,
): Promise<T> {
  if (signal === undefined) return start();
  throwIfAborted(signal);
  const cancellation = native().createCancellation();
  const handles = underWay.get(signal) ?? new Set();
  if (handles.size === 0) {
    underWay.set(signal, handles);
    signal.addEventListener('abort', cancelAll, { once: true });
  }
  handles.add(cancellation);
  try {
    return await start(cancellation);
  } catch (error) {
    throwIfAborted(signal); // The same error, with the signal's reason as its cause.
    throw error;
  } finally {
    handles.delete(cancellation);
    if (handles.size === 0) signal.removeEventListener('abort', cancelAll);
  }
}

function cancelAll(this: AbortSignal): void {
  for (const cancellation of underWay.get(this) ?? []) native().cancel(cancellation);
}
