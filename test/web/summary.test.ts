import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ReportRun } from '../../lib/report/data.ts';
import { closePage, hasBrowser, type OpenPage, openPage } from './browser.ts';
import { HOSTILE, sampleReport, writeSample } from './sample-report.ts';

let url: string;
let opened: OpenPage;

async function open(address = url) {
  opened = await openPage(`${address}#view=summary`);
  await opened.page.waitForSelector('main table');
  return opened.page;
}

/** Of a section's table: rows of cells, as they are read. */
async function rows(section: string): Promise<string[][]> {
  const lines = await opened.page.getByRole('region', { name: section, exact: true }).locator('tbody tr').all();
  const found = await Promise.all(lines.map(line => line.locator('th, td').allInnerTexts()));
  return found.map(cells => cells.map(cell => cell.trim()));
}

describe.skipIf(!hasBrowser)('the summary of an evaluation', () => {
  beforeAll(async () => {
    url = await writeSample(await sampleReport());
  });
  afterEach(() => closePage(opened));

  const MEANS = 'Means of float.onnx with their 95 % intervals';

  test('has a row for each maker, controls last, the best of each column marked, and never a control', async () => {
    const page = await open();
    const found = await rows(MEANS);
    expect(found.map(([method]) => method)).toEqual(['grad-cam', 'layer-cam', 'random']);
    const table = page.getByRole('region', { name: MEANS }).getByRole('table');
    expect(await table.locator('thead th').allTextContents()).toEqual([
      'method',
      'deletion ↓',
      'insertion ↑',
      'road ↑',
    ]);
    // The control's insertion is higher than all.
    expect(Number.parseFloat(found[2]![2]!)).toBeGreaterThan(Number.parseFloat(found[0]![2]!));
    expect(await table.locator('.best').allInnerTexts()).toHaveLength(3);
    expect(await table.locator('.control-row .best').count()).toBe(0);
    expect(found[0]![1]).toMatch(/^0\.458.*\n\[0\.\d{3}, 0\.\d{3}\]\nrank 1\.67$/s);
  });

  test('sorts by a column: the best first, the worst first, as given; controls stay last', async () => {
    const page = await open();
    const heading = page.getByRole('region', { name: MEANS }).getByRole('button', { name: /road/ });
    const sorted = () => page.getByRole('region', { name: MEANS }).locator('th[aria-sort]').getAttribute('aria-sort');
    const methods = async () => (await rows(MEANS)).map(([method]) => method);
    await heading.click();
    expect([await methods(), await sorted()]).toEqual([['grad-cam', 'layer-cam', 'random'], 'descending']);
    await heading.click();
    expect([await methods(), await sorted()]).toEqual([['layer-cam', 'grad-cam', 'random'], 'ascending']);
    await heading.click();
    expect(await methods()).toEqual(['grad-cam', 'layer-cam', 'random']);
    expect(await page.locator('th[aria-sort]').count()).toBe(0);
  });

  test('compares pairs by each metric', async () => {
    const page = await open();
    const pairs = 'Pairs of methods of float.onnx';
    expect(await rows(pairs)).toEqual([
      [
        'grad-cam',
        'layer-cam',
        '−0.083',
        expect.stringMatching(/^\[−?\d/),
        '5 / 0 / 1',
        expect.any(String),
        'not clear',
      ],
      ['grad-cam', 'random', '0.000', expect.any(String), '3 / 0 / 3', '1', 'not clear'],
      ['layer-cam', 'random', expect.stringMatching(/^\+0\.083/), expect.any(String), '4 / 0 / 2', '1', 'not clear'],
    ]);
    await page.getByLabel('Metric').first().selectOption('insertion');
    expect((await rows(pairs))[0]!.slice(2, 5)).toEqual(['+0.083', expect.any(String), '2 / 0 / 4']);
  });

  test('of many makers shows the pairs of one', async () => {
    const { data, chunks } = await sampleReport();
    const twice = (run: ReportRun): ReportRun => {
      const { metrics, comparisons } = run.summary!;
      const other = { params: '{"topK":32}' };
      const [first] = comparisons;
      return {
        ...run,
        summary: {
          ...run.summary!,
          metrics: [...metrics, { ...metrics[0]!, ...other }],
          comparisons: [{ ...first!, b: { ...first!.a, ...other } }, ...comparisons],
        },
      };
    };
    const page = await open(await writeSample({ data: { ...data, runs: [twice(data.runs[0]!)] }, chunks }));
    const methods = async () => (await rows('Pairs of methods')).map(cells => cells.slice(0, 2));
    expect(await methods()).toHaveLength(4);
    await page.getByLabel('Pairs with').selectOption({ label: 'grad-cam · topK 32' });
    expect(await methods()).toEqual([['grad-cam', 'grad-cam\ntopK 32']]);
    await page.getByLabel('Pairs with').selectOption({ label: 'layer-cam' });
    expect(await methods()).toEqual([
      ['grad-cam', 'layer-cam'],
      ['layer-cam', 'random'],
    ]);
  });

  test('says which of a pair is better where it is clear', async () => {
    const { data, chunks } = await sampleReport();
    const clear = (run: ReportRun): ReportRun => ({
      ...run,
      summary: {
        ...run.summary!,
        comparisons: run.summary!.comparisons.map(pair => ({ ...pair, difference: -0.2, pHolm: 0.0004 })),
      },
    });
    const page = await open(await writeSample({ data: { ...data, runs: data.runs.map(clear) }, chunks }));
    const pairs = 'Pairs of methods of float.onnx';
    expect((await rows(pairs))[0]!.slice(5)).toEqual(['< 0.001', 'grad-cam']);
    await page.getByLabel('Metric').first().selectOption('insertion');
    expect((await rows(pairs))[0]!.slice(5)).toEqual(['< 0.001', 'layer-cam']);
  });

  test('of two runs has both and the differences of their means', async () => {
    await open();
    const found = await rows('Differences of the means of both runs');
    expect(found[0]).toEqual(['grad-cam', '+0.017\n0.458 → 0.475', '+0.017\n0.442 → 0.458', '+0.017\n0.592 → 0.608']);
    expect(found[2]![2]).toBe('−0.150\n0.608 → 0.458');
    const table = opened.page.getByRole('region', { name: 'Differences of the means of both runs' });
    expect(await table.locator('.worse').count()).toBe(4);
    expect(await table.locator('.better').count()).toBe(5);
    expect((await rows('Means of int8.onnx with their 95 % intervals')).length).toBe(3);
  });

  test('shows warnings, and where the numbers come from', async () => {
    const page = await open();
    expect(await page.locator('.note').first().textContent()).toBe(`a warning of ${HOSTILE}`);
    const details = page.locator('details').first();
    expect(await details.getByText('models/float.onnx').isVisible()).toBe(false);
    await details.locator('summary').click();
    const text = await details.textContent();
    for (const fact of [
      'models/float.onnx',
      '0'.repeat(64),
      'onnxruntime 1.29.0',
      'top1',
      '200 resamples',
      '2026-01-02 03:04 UTC',
    ])
      expect(text).toContain(fact);
  });

  test('says why values are missing, and of how many', async () => {
    const { data, chunks } = await sampleReport();
    const lacking = (run: ReportRun): ReportRun => ({
      ...run,
      summary: {
        ...run.summary!,
        failed: 1,
        metrics: run.summary!.metrics.map((entry, i) => {
          if (i === 0) return { ...entry, n: 4, missing: { 'nothing kept': 2 } };
          return i === 1 ? { ...entry, n: 0, mean: null, ci95: null, rank: null, missing: { [HOSTILE]: 6 } } : entry;
        }),
      },
    });
    const page = await open(await writeSample({ data: { ...data, runs: [lacking(data.runs[0]!)] }, chunks }));
    const found = await rows('Means with their 95 % intervals');
    expect(found[0]![1]).toContain('n 4 of 6');
    expect(found[1]![1]).toBe('–\nn 0 of 6');
    const text = await page.locator('main').textContent();
    expect(text).toContain('No value of deletion in up to 2 images: nothing kept');
    expect(text).toContain(`No value of deletion in up to 6 images: ${HOSTILE}`);
    expect(text).toContain('6 images, 1 failed');
  });
});
