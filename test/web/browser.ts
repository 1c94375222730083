import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Tests in a browser are skipped where there is none; `.ci/run` installs one and sets ONNX_CAM_BROWSER, so that it skips none. */
export const hasBrowser = existsSync(EXECUTABLE) || process.env.ONNX_CAM_BROWSER === 'required';

let browser: Promise<Browser> | undefined;
afterAll(async () => {
  await (await browser)?.close();
  browser = undefined;
});

export interface OpenPage {
  readonly page: Page;
  /** Errors and warnings of the console, uncaught errors, and requests for anything but the page itself and `allowed`. */
  readonly faults: readonly string[];
}

export interface OpenOptions {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: 'light' | 'dark';
  /** Which requests are no faults, besides data: and blob: URLs. */
  readonly allowed?: (url: string) => boolean;
}

/** Opens an address, as `file:///…/index.html`, in a page of its own. */
export async function openPage(
  url: string,
  { width = 1280, height = 800, theme = 'light', allowed = () => false }: OpenOptions = {},
): Promise<OpenPage> {
  // A container's root has no sandbox, and /dev/shm is small.
  browser ??= chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  const context = await (await browser).newContext({
    viewport: { width, height },
    colorScheme: theme,
    deviceScaleFactor: 1,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const faults: string[] = [];
  const [own] = url.split('#');
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', error => faults.push(`uncaught: ${error.message}`));
  page.on('request', request => {
    const asked = request.url();
    if (!/^(data|blob):/.test(asked) && asked.split('#')[0] !== own && !allowed(asked))
      faults.push(`request: ${asked}`);
  });
  await page.goto(url);
  return { page, faults };
}

/** Closes the page; nothing may have gone wrong on it. */
export async function closePage({ page, faults }: OpenPage): Promise<void> {
  await page.context().close();
  expect(faults).toEqual([]);
}
