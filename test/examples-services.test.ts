/** Programs in examples/ for services. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { startExample } from './helpers/run-example.ts';

const picture = (name: string) => resolve('assets/pictures', name);

interface Answer {
  readonly target: { readonly label: string };
  readonly status: string;
  readonly boxes: readonly unknown[];
}

describe('http-endpoint.js', () => {
  async function open() {
    const [, port] = /listening on port (\d+)/.exec(await startExample('http-endpoint.js', [0]))!;
    const cat = readFileSync(picture('cat.png'));
    return {
      cat,
      post: (query: string, init: RequestInit) =>
        fetch(`http://localhost:${port}/${query}`, { method: 'POST', ...init }),
    };
  }

  it('answers with JSON, or with the overlay', async () => {
    const { cat, post } = await open();
    const json = await post('', { body: cat });
    expect(json.status).toBe(200);
    expect(json.headers.get('content-type')).toBe('application/json');
    const { target, status, boxes } = (await json.json()) as Answer;
    expect([target.label, status, boxes.length]).toEqual(['Egyptian cat', 'ok', 1]);
    const other = (await (await post('?target=tiger+cat', { body: cat })).json()) as Answer;
    expect(other.target.label).toBe('tiger cat');
    const overlay = await post('?overlay&target=285', { body: cat });
    expect(overlay.headers.get('content-type')).toBe('image/jpeg');
    expect(await sharp(await overlay.arrayBuffer()).metadata()).toMatchObject({
      format: 'jpeg',
      width: 451,
      height: 300,
    });
  });

  it('says whose fault it is', async () => {
    const { cat, post } = await open();
    const bad = await post('', { body: 'no picture' });
    expect([bad.status, ((await bad.json()) as { code: string }).code]).toEqual([400, 'ERR_IMAGE_INVALID']);
    expect((await post('?target=no+such+class', { body: cat })).status).toBe(400);
    expect((await post('?target=1000', { body: cat })).status).toBe(400);
    // Of unknown length.
    const stream = new Blob([cat]).stream();
    expect((await post('', { body: stream, duplex: 'half' } as RequestInit)).status).toBe(413);
  });

  it('refuses what it has no time for, and goes on when clients leave', async () => {
    const { cat, post } = await open();
    const answers = await Promise.all(Array.from({ length: 40 }, () => post('', { body: cat })));
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(statuses.filter(status => status === 200).length).toBeGreaterThanOrEqual(8);
    const busy = answers.find(({ status }) => status === 503)!;
    expect(busy.headers.get('retry-after')).toBe('1');
    expect(((await busy.json()) as { code: string }).code).toBe('ERR_BUSY');

    const left = Array.from({ length: 8 }, () =>
      post('', { body: cat, signal: AbortSignal.timeout(20) }).catch(() => null),
    );
    await Promise.all(left);
    await expect.poll(async () => (await post('', { body: cat })).status, { timeout: 20_000 }).toBe(200);
  });
});
