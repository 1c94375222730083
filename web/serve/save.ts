import { computed, signal } from '@preact/signals';
import type { ReportData } from '../../lib/report/data.ts';
import { reportHtml, scriptJson } from '../../lib/report/html.ts';
import { PHOTOS_PER_CHUNK, type PhotoPayload } from '../../lib/report/payload.ts';
import { payloadOf } from '../state/payloads.ts';
import { report } from '../state/report.ts';
import { announce } from './announce.ts';
import { explainedOnly } from './gather.ts';
import { lost, ServeFault } from './server.ts';

/** Explanations that a report would have. */
export const explained = computed<number>(() =>
  report.value.photos.reduce(
    (sum, { runs }) => sum + runs.reduce((own, said) => own + (said?.results.length ?? 0), 0),
    0,
  ),
);

/** Why no report could be saved. */
export const saveFault = signal<ServeFault | null>(null);

/** Browsers begin to read what they download some time after the click. Milliseconds. */
const READ = 60_000;

/** Lets the browser save a report of all explanations so far. */
export async function saveReport(): Promise<void> {
  saveFault.value = null;
  try {
    const { data, chunks } = await reportNow();
    const parts: string[] = [];
    for await (const part of reportHtml(data, chunks.map(scriptJson), await pageFiles())) parts.push(part);
    download(new Blob(parts, { type: 'text/html' }), 'onnx-cam-report.html');
    announce('The report is saved');
  } catch (fault) {
    if (!(fault instanceof ServeFault)) throw fault;
    saveFault.value = fault;
  }
}

async function reportNow(): Promise<{ readonly data: ReportData; readonly chunks: readonly PhotoPayload[][] }> {
  const { data, from } = explainedOnly(report.value);
  const payloads = await Promise.all(from.map(place => payloadOf(report.value.photos[place]!)));
  const chunks: PhotoPayload[][] = [];
  for (let i = 0; i < payloads.length; i += PHOTOS_PER_CHUNK) chunks.push(payloads.slice(i, i + PHOTOS_PER_CHUNK));
  const photos = data.photos.map((photo, i) => ({
    ...photo,
    chunk: Math.floor(i / PHOTOS_PER_CHUNK),
    place: i % PHOTOS_PER_CHUNK,
  }));
  return { data: { ...data, made: new Date().toISOString(), photos }, chunks };
}

let files: Promise<{ readonly script: string; readonly style: string }> | undefined;

/** This page's own program and style, which reports have too. Kept: a report can be saved when the server is gone. */
export function pageFiles(): Promise<{ readonly script: string; readonly style: string }> {
  // Only there have browsers the hashes that a report's policy names its program and style by.
  if (!isSecureContext)
    return Promise.reject(
      new ServeFault(
        null,
        'browsers let only pages of this machine or of https make a report: open this page at 127.0.0.1 (from another machine through `ssh -L`), or use `onnx-cam explain --report`',
      ),
    );
  files ??= Promise.all([
    text(document.querySelector<HTMLScriptElement>('script[src]')?.src),
    text(document.querySelector<HTMLLinkElement>('link[rel="stylesheet"]')?.href),
  ]).then(([script, style]) => ({ script, style }));
  files.catch(() => {
    files = undefined;
  });
  return files;
}

async function text(url: string | undefined): Promise<string> {
  const response = await fetch(url ?? '').catch(cause => {
    throw lost(cause);
  });
  if (!response.ok) throw new ServeFault(null, `the server did not give ${url}: status ${response.status}`);
  return response.text();
}

function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), READ);
}
