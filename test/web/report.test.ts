import { describe, expect, test } from 'vitest';
import { closePage, hasBrowser, openPage } from './browser.ts';
import { sampleReport, writeSample } from './sample-report.ts';

describe.skipIf(!hasBrowser)('the report in a browser', () => {
  test('opens from a disk without a fault', async () => {
    const opened = await openPage(await writeSample(await sampleReport()));
    await opened.page.waitForSelector('main');
    expect(await opened.page.title()).toBe('float.onnx and int8.onnx · onnx-cam');
    await closePage(opened);
  });
});
