import { onAbort } from '../common/abort-listeners.ts';
import { throwIfAborted } from '../common/errors.ts';
import { type CancellationHandle, nativeEngine } from './native-engine.ts';

/**
 * Starts native work that a signal can end.
 * @throws `ERR_ABORTED` when the signal fires before the work is done; queued work then never begins.
 */
export async function withSignal<T>(
  signal: AbortSignal | undefined,
  start: (cancellation?: CancellationHandle) => Promise<T> | T,
): Promise<T> {
  if (signal === undefined) return start();
  throwIfAborted(signal);
  const cancellation = nativeEngine().createCancellation();
  const forget = onAbort(signal, () => nativeEngine().cancel(cancellation));
  try {
    return await start(cancellation);
  } catch (error) {
    throwIfAborted(signal); // The same error, with the signal's reason as its cause.
    throw error;
  } finally {
    forget();
  }
}
