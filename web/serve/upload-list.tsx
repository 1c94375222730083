import { FaultNote } from './fault-note.tsx';
import { again, dismiss, size, type Upload, uploads } from './uploads.ts';

/** Models or pictures on their way, and those that failed. */
export function UploadList({ kind }: { readonly kind: Upload['kind'] }) {
  const own = uploads.value.filter(one => one.kind === kind);
  if (own.length === 0) return null;
  return (
    <ul class="uploads" aria-label={kind === 'model' ? 'Models on their way' : 'Pictures on their way'}>
      {own.map(one => (
        <li key={one.id}>{one.fault ? <Failed {...one} fault={one.fault} /> : <UnderWay {...one} />}</li>
      ))}
    </ul>
  );
}

function Failed({ id, name, isTried, fault }: Upload & { readonly fault: NonNullable<Upload['fault']> }) {
  return (
    <FaultNote
      about={name}
      fault={fault}
      onDismiss={() => dismiss(id)}
      {...(isTried ? { onAgain: () => again(id) } : {})}
    />
  );
}

function UnderWay({ id, name, others, bytes, sent, state }: Upload) {
  return (
    <div class="upload">
      <p>
        <strong>{name}</strong>
        {others.length > 0 && <span class="muted"> with {others.join(', ')}</span>}
      </p>
      <progress
        aria-label={`${name} on its way`}
        max={Math.max(1, bytes)}
        value={state === 'sends' ? sent : state === 'waits' ? 0 : undefined}
      />
      <p class="muted">{TEXTS[state](sent, bytes)}</p>
      <button type="button" aria-label={`Stop ${name}`} onClick={() => dismiss(id)}>
        Stop
      </button>
    </div>
  );
}

const TEXTS: Readonly<Record<Upload['state'], (sent: number, bytes: number) => string>> = {
  waits: () => 'waits',
  sends: (sent, bytes) => `${size(sent)} of ${size(bytes)}`,
  read: () => 'is being read',
  failed: () => '',
};
