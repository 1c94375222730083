import { useSignal } from '@preact/signals';
import { run, start } from './run.ts';
import { connection } from './server.ts';
import { refresh } from './stock.ts';

/** Says that nobody answers, and tries again. */
export function ConnectionNote() {
  const isTrying = useSignal(false);
  if (connection.value === 'fine') return null;
  const again = async () => {
    isTrying.value = true;
    try {
      await refresh();
      if (run.value.state === 'failed') start();
    } catch {
      // The note stays.
    } finally {
      isTrying.value = false;
    }
  };
  return (
    <div class="note bad fault" role="alert">
      <p>
        {connection.value === 'lost' ? (
          <>
            <strong>The server does not answer.</strong> It was stopped, or the connection was lost. What was made is
            still here, and can be saved.
          </>
        ) : (
          <>
            <strong>The server does not know this address.</strong> It was started anew: open the address that it
            printed.
          </>
        )}
      </p>
      <button type="button" disabled={isTrying.value} onClick={() => void again()}>
        Try again
      </button>
    </div>
  );
}
