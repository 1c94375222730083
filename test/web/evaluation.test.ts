/** The page of a real evaluation, in a browser. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EvaluationSummary, load } from '../../lib/index.ts';
import { closePage, hasBrowser, openPage } from './browser.ts';

const asset = (name: string) => fileURLToPath(new URL(`../../assets/${name}`, import.meta.url));

describe.skipIf(!hasBrowser)('the page of an evaluation', () => {
  let folder: string;
  let summary: EvaluationSummary;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'onnx-cam-test-'));
    const cam = await load(asset('efficientnet-lite0.onnx'));
    try {
      const steps = { steps: 8 };
      const metrics = [{ metric: 'deletion', params: steps }, { metric: 'insertion', params: steps }, 'road'];
      const run = cam.evaluate(asset('pictures'), { methods: ['grad-cam', 'layer-cam'], metrics });
      await run.save(folder);
      await run.dispose();
    } finally {
      await cam.dispose();
    }
    summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const opened = (hash: string) => openPage(`${pathToFileURL(join(folder, 'index.html'))}#${hash}`);

  it('shows the photographs', async () => {
    const open = await opened('view=photos');
    await open.page.getByText('3 photographs').waitFor();
    await open.page.getByRole('list').getByText('Egyptian cat').waitFor();
    await closePage(open);
  });

  it('has the numbers of summary.json', async () => {
    const open = await opened('view=summary');
    const table = open.page.getByRole('table').first();
    await table.waitFor();
    expect(summary.metrics).toHaveLength(15);
    for (const method of ['grad-cam', 'layer-cam', 'random', 'centre', 'constant']) {
      const row = await table.getByRole('row').filter({ hasText: method }).first().textContent();
      for (const { mean } of summary.metrics.filter(entry => entry.method === method))
        expect(row!.replaceAll('−', '-')).toContain(mean!.toFixed(3));
    }
    await closePage(open);
  });

  it('shows a photograph with its values and curves', async () => {
    const open = await opened('view=photo&photo=1');
    await open.page.getByText('Curves of this photograph').waitFor();
    const text = await open.page.locator('body').textContent();
    expect(text).toContain('grad-cam for espresso');
    expect(text).toContain('/head_act/Clip_output_0');
    await closePage(open);
  });

  it('shows the mean curves', async () => {
    const open = await opened('view=curves');
    await open.page.locator('canvas').first().waitFor();
    await closePage(open);
  });
});
