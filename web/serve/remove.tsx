import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { plural } from '../state/words.ts';
import { announce } from './announce.ts';
import { FaultNote } from './fault-note.tsx';
import { ServeFault } from './server.ts';
import { answers, removeModel, removePicture } from './stock.ts';

interface Leaving {
  readonly kind: 'model' | 'picture';
  readonly id: string;
  readonly name: string;
}

/** What is asked about before it goes. */
const leaving = signal<Leaving | null>(null);
const failed = signal<{ readonly name: string; readonly kind: Leaving['kind']; readonly fault: ServeFault } | null>(
  null,
);

const explanationsOf = ({ kind, id }: Leaving): number =>
  [...answers.value.values()].filter(({ request }) => request[kind] === id).length;

export function RemoveButton(what: Leaving) {
  return (
    <button
      type="button"
      class="remove"
      aria-label={`Remove ${what.name}`}
      title={`Remove ${what.name}`}
      onClick={() => {
        if (explanationsOf(what) > 0) leaving.value = what;
        else void remove(what);
      }}
    >
      ×
    </button>
  );
}

/** Why the last one could not be removed. */
export function RemoveFault({ kind }: { readonly kind: Leaving['kind'] }) {
  if (failed.value?.kind !== kind) return null;
  return (
    <FaultNote
      about={failed.value.name}
      fault={failed.value.fault}
      onDismiss={() => {
        failed.value = null;
      }}
    />
  );
}

async function remove({ kind, id, name }: Leaving): Promise<void> {
  failed.value = null;
  try {
    await (kind === 'model' ? removeModel : removePicture)(id);
    announce(`${name} is removed`);
  } catch (fault) {
    if (!(fault instanceof ServeFault)) throw fault;
    failed.value = { name, kind, fault };
  }
}

/** Asks whether explanations may go with what they were made of. */
export function RemoveDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const what = leaving.value;
  useEffect(() => {
    if (what) dialog.current?.showModal();
  }, [what]);
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="remove-title"
      onClose={() => {
        leaving.value = null;
      }}
    >
      {what && (
        <>
          <h2 id="remove-title">Remove {what.name}?</h2>
          <p>
            {plural(explanationsOf(what), 'explanation')} of it on this page will go too. Save the report before to keep
            them.
          </p>
          <form method="dialog" class="controls">
            <button type="submit" class="primary" onClick={() => void remove(what)}>
              Remove
            </button>
            <button type="submit">Keep</button>
          </form>
        </>
      )}
    </dialog>
  );
}
