import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { VIEWS } from '../../web/state/settings.ts';
import { closePage, hasBrowser, openPage } from './browser.ts';
import { sampleReport, writeSample } from './sample-report.ts';

describe.skipIf(!hasBrowser)('accessibility', () => {
  let url: string;
  let axe: string;
  beforeAll(async () => {
    url = await writeSample(await sampleReport());
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  });

  test.each(VIEWS.flatMap(view => [`${view} light`, `${view} dark`, `${view} narrow`]))('of %s', async name => {
    const [view, look] = name.split(' ') as [string, string];
    const theme = look === 'dark' ? 'dark' : 'light';
    const opened = await openPage(`${url}#view=${view}&maker=1`, { theme, width: look === 'narrow' ? 360 : 1280 });
    const { page } = opened;
    await page.waitForSelector('main');
    await page.waitForTimeout(200);
    // What is asked of the browser itself is above the page's Content-Security-Policy.
    await page.evaluate(axe);
    const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
    const severe = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(severe.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    await closePage(opened);
  });
});
