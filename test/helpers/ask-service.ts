import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import sharp from 'sharp';
import { pooledColours } from './pooled-colours.ts';

export interface Asked {
  readonly body?: RequestInit['body'];
  /** Of the body; that of a picture unless the body is a form. */
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** @param where a query of /explain, or another path */
export function post(url: string, where: string, { body, type, accept, headers, signal }: Asked): Promise<Response> {
  const given = type ?? (body === undefined || body instanceof FormData ? undefined : 'image/png');
  return fetch(url + (where.startsWith('/') ? where : `/explain${where}`), {
    method: 'POST',
    duplex: 'half',
    headers: { ...(given && { 'content-type': given }), ...(accept && { accept }), ...headers },
    ...(body !== undefined && { body }),
    ...(signal && { signal }),
  } as RequestInit);
}

export const refusal = (answer: Response): Promise<{ code: string; message: string }> =>
  answer.json() as Promise<{ code: string; message: string }>;

/** Samples of the service's metrics: what Prometheus reads of them. @throws for a line that is none */
export async function metricsOf(
  url: string,
): Promise<{ name: string; labels: Record<string, string>; value: number }[]> {
  const answer = await fetch(`${url}/metrics`);
  const text = await answer.text();
  return text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (!parts) throw new Error(`no sample of a metric: ${line}`);
      const [, name, given = '', value] = parts;
      const labels = [...given.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)/g)];
      if (labels.map(([whole]) => whole).join('') !== given) throw new Error(`no labels: ${given}`);
      return {
        name: name!,
        labels: Object.fromEntries(labels.map(([, key, text]) => [key!, text!])),
        value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
      };
    });
}

/** Of all samples of a name with these labels together. */
export async function scalar(
  url: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const samples = (await metricsOf(url)).filter(
    one => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
  );
  return samples.reduce((sum, { value }) => sum + value, 0);
}

export async function picturesOf() {
  const black = sharp({ create: { width: 20, height: 20, channels: 3, background: 'black' } });
  return { cat: readFileSync(resolve('assets/pictures/cat.png')), black: await black.png().toBuffer() };
}

/** Two classes for pictures of 16 × 16: how green they are, how red. */
export function greenModel() {
  return pooledColours({ weights: [0, 1, 0, 1, 0, 0], side: 16 });
}

/** One whose runs on changed pictures take seconds all together. */
export function slowModel() {
  return pooledColours({ weights: Array.from({ length: 3 * 128 }, (_, i) => (i % 7) / 7), side: 128 });
}
