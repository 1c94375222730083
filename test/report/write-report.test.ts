import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { pageFiles } from '../../lib/report/page-files.ts';
import type { PhotoPayload } from '../../lib/report/payload.ts';
import { type PhotoEntry, type ReportSource, writeReport } from '../../lib/report/write-report.ts';
import { temporaryFolder } from '../cli/harness.ts';
import { closePage, hasBrowser, openPage } from '../web/browser.ts';
import { HOSTILE, sampleReport } from '../web/sample-report.ts';

/** The made-up report as what is written. */
async function sample(photos = 30): Promise<ReportSource> {
  const { data, chunks } = await sampleReport(photos);
  const entries = data.photos.map(
    ({ chunk, place, ...photo }): PhotoEntry => ({ photo, payload: chunks[chunk]![place]! }),
  );
  return { runs: data.runs, photos: entries, leftOut: 0 };
}

/** The JSON that a page holds. */
const jsonOf = (html: string, id: string) =>
  JSON.parse(new RegExp(`<script type="application/json" id="${id}">(.*)</script>`).exec(html)![1]!);

test('one file holds all of it, whatever labels say', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'index.html');
  const source = await sample();
  const { bytes, warnings } = await writeReport(path, source);
  const html = readFileSync(path, 'utf8');
  expect(readdirSync(folder)).toEqual(['index.html']);
  expect(bytes).toBe(Buffer.byteLength(html));
  expect(warnings).toEqual([]);
  expect(html).not.toContain(HOSTILE);
  const { script } = pageFiles();
  expect(script).not.toMatch(/<\/script|<!--/);
  expect(html.endsWith(`<script>${script}</script>\n</body>\n</html>\n`)).toBe(true);
  expect(html.replace(script, '').match(/<script/g)).toHaveLength(4);
  const data = jsonOf(html, 'report');
  expect(data).toMatchObject({ payloads: null, runs: source.runs });
  expect(data.photos.map(({ chunk, place }: Record<string, number>) => [chunk, place])).toEqual(
    Array.from({ length: 30 }, (_, i) => [Math.floor(i / 25), i % 25]),
  );
  const payloads: PhotoPayload[] = [...jsonOf(html, 'photos-0'), ...jsonOf(html, 'photos-1')];
  expect(payloads).toEqual([...(source.photos as PhotoEntry[])].map(({ payload }) => payload));
});

test('a page forbids all but its own program, and may be large only with a warning', async () => {
  const path = join(temporaryFolder(), 'index.html');
  const { warnings } = await writeReport(path, await sample(6), { warn: 1000, beside: 1e9 });
  expect(warnings).toEqual([expect.stringContaining('browsers take a while to open it')]);
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(readFileSync(path, 'utf8'))!;
  expect(policy).toMatch(
    /^default-src 'none'; script-src 'sha256-[\w+/=]{44}'; style-src 'sha256-[\w+/=]{44}'; img-src data: blob:; base-uri 'none'; form-action 'none'$/,
  );
});

test('many photographs lie beside the page, each page’s in a folder of its own', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'data'));
  for (const name of ['photos-7.js', 'own.txt']) writeFileSync(join(folder, 'data', name), '');
  const beside = { warn: 1000, beside: 1000 };
  const { warnings, bytes } = await writeReport(join(folder, 'index.html'), await sample(), beside);
  expect(readdirSync(join(folder, 'data')).sort()).toEqual(['own.txt', 'photos-0.js', 'photos-1.js']);
  expect(warnings).toEqual([expect.stringMatching(/they lie in .*data, which belongs beside .*index\.html/)]);
  expect(bytes).toBeGreaterThan(readFileSync(join(folder, 'index.html')).length);
  await writeReport(join(folder, 'both runs.html'), await sample(), beside);
  await writeReport(join(folder, 'small.html'), await sample(6));
  expect(readdirSync(folder).sort()).toEqual(['both runs-data', 'both runs.html', 'data', 'index.html', 'small.html']);
  // One that fits into the page again leaves nothing of its own behind.
  await writeReport(join(folder, 'both runs.html'), await sample(6));
  await writeReport(join(folder, 'index.html'), await sample(6));
  expect(readdirSync(folder).sort()).toEqual(['both runs.html', 'data', 'index.html', 'small.html']);
  expect(readdirSync(join(folder, 'data'))).toEqual(['own.txt']);
});

test.skipIf(!hasBrowser)('a page with its photographs beside it opens from a disk', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'all of them.html');
  await writeReport(path, await sample(), { warn: 1000, beside: 1000 });
  const opened = await openPage(pathToFileURL(path).href, {
    allowed: url => /\/all%20of%20them-data\/photos-\d\.js$/.test(url),
  });
  await opened.page.locator('.thumb .map-canvas[data-drawn=true]').first().waitFor();
  await closePage(opened);
});

test('what fails leaves the page that was there', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'index.html');
  writeFileSync(path, 'the old page');
  const { photos, ...source } = await sample(6);
  async function* broken() {
    yield* photos;
    throw new Error('a picture that cannot be read');
  }
  await expect(writeReport(path, { ...source, photos: broken() })).rejects.toThrow('a picture that cannot be read');
  mkdirSync(join(folder, 'a folder.html'));
  await expect(writeReport(join(folder, 'a folder.html'), await sample(6))).rejects.toMatchObject({
    code: 'ERR_OUTPUT',
  });
  expect(readFileSync(path, 'utf8')).toBe('the old page');
  expect(readdirSync(folder).sort()).toEqual(['a folder.html', 'index.html']);
});
