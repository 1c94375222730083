import type { ReportPhoto } from '../../lib/report/data.ts';
import type { PhotoPayload } from '../../lib/report/payload.ts';
import { report } from './report.ts';

/** Chunks that were asked for; a few hundred photographs take some megabytes each time they are parsed, so once. */
const chunks = new Map<number, Promise<readonly PhotoPayload[]>>();

declare global {
  /** What files data/photos-N.js call: pages opened from a disk may load scripts, but no JSON. */
  var onnxCamPhotos: ((chunk: number, payloads: readonly PhotoPayload[]) => void) | undefined;
}

/** The picture and the maps of a photograph. Rejects where its file is missing. */
export async function payloadOf({ chunk, place }: ReportPhoto): Promise<PhotoPayload> {
  let found = chunks.get(chunk);
  if (!found) chunks.set(chunk, (found = report.peek().payloads === 'inside' ? inside(chunk) : beside(chunk)));
  return (await found)[place]!;
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

function beside(chunk: number): Promise<readonly PhotoPayload[]> {
  return new Promise((resolve, reject) => {
    globalThis.onnxCamPhotos ??= (loaded, payloads) => chunks.set(loaded, Promise.resolve(payloads));
    const script = document.createElement('script');
    script.src = `data/photos-${chunk}.js`;
    script.onload = () => chunks.get(chunk)!.then(resolve, reject);
    script.onerror = () => reject(new Error(`${script.src} is missing: the folder data/ belongs beside this page`));
    document.head.append(script);
  });
}
