import type { ReportPhoto } from '../../lib/report/data.ts';
import type { PhotoPayload } from '../../lib/report/payload.ts';
import { report } from './report.ts';

/** Chunks that were asked for; a few hundred photographs take some megabytes each time they are parsed, so once. */
const chunks = new Map<number, Promise<readonly PhotoPayload[]>>();

/** What scripts have brought, until it is taken. */
const arrived = new Map<number, readonly PhotoPayload[]>();

declare global {
  /** What files photos-N.js call: pages opened from a disk may load scripts, but no JSON. */
  var onnxCamPhotos: ((chunk: number, payloads: readonly PhotoPayload[]) => void) | undefined;
}

/** The picture and the maps of a photograph. Rejects where its file is missing. */
export async function payloadOf({ chunk, place }: ReportPhoto): Promise<PhotoPayload> {
  const folder = report.peek().payloads;
  let found = chunks.get(chunk);
  if (!found) chunks.set(chunk, (found = folder === null ? inside(chunk) : beside(folder, chunk)));
  const payload = (await found)[place];
  if (!payload) throw new Error('this page has neither picture nor maps of the photograph: make the report again');
  return payload;
}

/** Of what a server answered: chunks that no page holds. */
export function addChunk(chunk: number, payloads: readonly PhotoPayload[]): void {
  chunks.set(chunk, Promise.resolve(payloads));
}

/** Of a picture that is looked at no more. */
export function removeChunk(chunk: number): void {
  chunks.delete(chunk);
}

async function inside(chunk: number): Promise<readonly PhotoPayload[]> {
  return JSON.parse(document.getElementById(`photos-${chunk}`)?.textContent ?? '[]');
}

function beside(folder: string, chunk: number): Promise<readonly PhotoPayload[]> {
  return new Promise((resolve, reject) => {
    globalThis.onnxCamPhotos ??= (loaded, payloads) => arrived.set(loaded, payloads);
    const script = document.createElement('script');
    script.src = `${encodeURIComponent(folder)}/photos-${chunk}.js`;
    script.onload = () => {
      const payloads = arrived.get(chunk);
      arrived.delete(chunk);
      if (payloads) resolve(payloads);
      else reject(new Error(`${script.src} is damaged: copy it again, or make the report again`));
    };
    script.onerror = () =>
      reject(new Error(`${script.src} is missing: the folder ${folder}/ belongs beside this page`));
    document.head.append(script);
  });
}
