import type { ServeFault } from './server.ts';

export interface FaultNoteProps {
  /** What it is about. */
  readonly about?: string;
  readonly fault: ServeFault;
  readonly onDismiss: () => void;
  readonly onAgain?: () => void;
}

/** What went wrong, where it did. */
export function FaultNote({ about, fault, onDismiss, onAgain }: FaultNoteProps) {
  return (
    <div class="note bad fault" role="alert">
      <p>
        {about !== undefined && <strong>{about}: </strong>}
        {fault.message}
        {fault.code !== null && (
          <>
            {' '}
            <code>{fault.code}</code>
          </>
        )}
      </p>
      <div class="controls">
        {onAgain && (
          <button type="button" onClick={onAgain}>
            Try again
          </button>
        )}
        <button type="button" onClick={onDismiss} aria-label={`Dismiss${about === undefined ? '' : ` ${about}`}`}>
          Dismiss
        </button>
      </div>
    </div>
  );
}
