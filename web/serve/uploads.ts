import { signal } from '@preact/signals';
import type { ServedModel, ServedPicture } from '../../lib/serve/api.ts';
import { settings } from '../state/settings.ts';
import { announce } from './announce.ts';
import { groupFiles } from './group-files.ts';
import { ServeFault } from './server.ts';
import { addModel, addPicture, models, pictures, server } from './stock.ts';
import { upload } from './upload.ts';

/** Files on their way to the server, and those that didn't get there. */
export interface Upload {
  readonly id: number;
  readonly kind: 'model' | 'picture';
  /** Of the model or picture. */
  readonly name: string;
  /** Names of what goes with it. */
  readonly others: readonly string[];
  readonly bytes: number;
  readonly sent: number;
  /** Whether it was ever begun to be sent: what was refused before would be refused again. */
  readonly isTried: boolean;
  /** 'read': all has gone, the server looks at it. */
  readonly state: 'waits' | 'sends' | 'read' | 'failed';
  readonly fault: ServeFault | null;
}

export const uploads = signal<readonly Upload[]>([]);

const stops = new Map<number, AbortController>();
const files = new Map<number, readonly File[]>();
let ids = 0;
/** One upload after the other. */
let last: Promise<void> = Promise.resolve();

/** Sends what was dropped or chosen together: models first. */
export function send(dropped: readonly File[]): void {
  const groups = groupFiles(dropped);
  for (const file of groups.stray)
    add('model', [file], {
      fault: new ServeFault(null, 'this goes with a model: drop it together with its .onnx file, or drop a picture'),
    });
  groups.models.map(group => add('model', group));
  groups.pictures.map((picture, i) => add('picture', [picture], { isFirst: i === 0 }));
}

/** Ends an upload, or takes away what is said of a failed one. */
export function dismiss(id: number): void {
  stops.get(id)?.abort();
  forget(id);
}

/** Sends again what failed. */
export function again(id: number): void {
  const former = uploads.value.find(one => one.id === id);
  const group = files.get(id);
  if (!former || !group) return;
  dismiss(id);
  add(former.kind, group, { isFirst: true });
}

interface AddOptions {
  /** What is wrong before anything is sent. */
  readonly fault?: ServeFault;
  /** Whether it is looked at when it is there. */
  readonly isFirst?: boolean;
}

function add(kind: Upload['kind'], group: readonly File[], { fault, isFirst = true }: AddOptions = {}): void {
  const bytes = group.reduce((sum, { size }) => sum + size, 0);
  const refused = fault ?? tooLarge(kind, bytes);
  const [first, ...others] = group;
  const id = ids++;
  files.set(id, group);
  uploads.value = [
    ...uploads.value,
    {
      id,
      kind,
      name: first!.name,
      others: others.map(({ name }) => name),
      bytes,
      sent: 0,
      isTried: false,
      state: refused ? 'failed' : 'waits',
      fault: refused ?? null,
    },
  ];
  if (refused) return;
  const stop = new AbortController();
  stops.set(id, stop);
  last = last.then(() => run(id, kind, group, stop.signal, isFirst));
}

function tooLarge(kind: Upload['kind'], bytes: number): ServeFault | null {
  const most = server.value?.limits[kind];
  return most !== undefined && bytes > most
    ? new ServeFault(null, `${size(bytes)} are more than the server takes, ${size(most)}`)
    : null;
}

async function run(id: number, kind: Upload['kind'], group: readonly File[], stop: AbortSignal, isFirst: boolean) {
  if (stop.aborted) return;
  change(id, { state: 'sends', isTried: true });
  const bytes = group.reduce((sum, { size }) => sum + size, 0);
  const hooks = {
    signal: stop,
    // The form's own lines are counted too.
    sent: (sent: number) => change(id, sent >= bytes ? { sent: bytes, state: 'read' } : { sent }),
  };
  try {
    if (kind === 'model') {
      const model = await upload<ServedModel>('api/models', group, hooks);
      addModel(model);
      settings.run.value = models.value.findIndex(({ id }) => id === model.id);
    } else {
      const picture = await upload<ServedPicture>('api/pictures', group, hooks);
      addPicture(picture);
      if (isFirst) settings.photo.value = pictures.value.findIndex(({ id }) => id === picture.id);
    }
    announce(`${group[0]!.name} is there`);
    forget(id);
  } catch (fault) {
    if (stop.aborted) return;
    if (!(fault instanceof ServeFault)) throw fault;
    change(id, { state: 'failed', fault });
  } finally {
    stops.delete(id);
  }
}

function change(id: number, changed: Partial<Upload>): void {
  uploads.value = uploads.value.map(one => (one.id === id ? { ...one, ...changed } : one));
}

function forget(id: number): void {
  uploads.value = uploads.value.filter(one => one.id !== id);
  files.delete(id);
}

const UNITS = ['byte', 'kB', 'MB', 'GB'];

export function size(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** unit).toPrecision(3))} ${UNITS[unit]}`;
}
