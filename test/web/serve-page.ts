import type { Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { expect } from 'vitest';
import { closePage, type OpenOptions, type OpenPage, openPage } from './browser.ts';
import type { FakeServe } from './fake-serve.ts';

// The page of `onnx-cam serve` as a person uses it.

/** As `setInputFiles` takes it. */
export interface DroppedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

export const modelFile = (name = 'net.onnx', content = 'a model'): DroppedFile => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(content),
});

/** A picture of one colour. */
export async function pictureFile(name = 'cat.png', blue = 80): Promise<DroppedFile> {
  const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: { r: 200, g: 120, b: blue } } });
  return { name, mimeType: 'image/png', buffer: await picture.png().toBuffer() };
}

/** Opens the page of a server; requests to that server are no faults. */
export async function openServe(
  { url }: Pick<FakeServe, 'url'>,
  options: OpenOptions & { hash?: string } = {},
): Promise<OpenPage> {
  const { origin } = new URL(url);
  const opened = await openPage(`${url}${options.hash ?? ''}`, {
    ...options,
    allowed: asked => new URL(asked).origin === origin,
  });
  await opened.page.getByRole('button', { name: 'Choose files…' }).waitFor();
  return opened;
}

/** Closes it; what the console says of answers with a status of 4xx or 5xx has to be expected. */
export async function closeServe({ page, faults }: OpenPage, expected: readonly RegExp[] = []): Promise<void> {
  const left = faults.filter(fault => !expected.some(one => one.test(fault)));
  for (const one of expected)
    expect(
      faults.some(fault => one.test(fault)),
      `no fault is ${one}`,
    ).toBe(true);
  await closePage({ page, faults: left });
}

export const choose = (page: Page, ...files: DroppedFile[]): Promise<void> =>
  page.locator('input[type=file]').setInputFiles(files);

/** What the model is asked with, by its label. */
export const choice = (page: Page, name: 'Method' | 'Layer' | 'Technique'): Locator =>
  page.getByRole('region', { name: 'Choices' }).getByRole('combobox', { name, exact: true });

/** With a model and a picture, explained. */
export async function openExplained(fake: FakeServe, options: OpenOptions = {}): Promise<OpenPage> {
  const opened = await openServe(fake, options);
  await choose(opened.page, modelFile(), await pictureFile());
  await said(opened.page, 'for tabby');
  return opened;
}

/** Waits until the status says it. */
export async function said(page: Page, text: string | RegExp): Promise<void> {
  await status(page).filter({ hasText: text }).waitFor();
}

export const status = (page: Page): Locator => page.getByRole('region', { name: 'Explanation', exact: true });

/** Lets go of files over the window. */
export async function drop(page: Page, files: readonly DroppedFile[]): Promise<void> {
  const given = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, content: buffer.toString('base64') }));
  const transfer = await page.evaluateHandle(all => {
    const transfer = new DataTransfer();
    for (const { name, mimeType, content } of all)
      transfer.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name, { type: mimeType }));
    return transfer;
  }, given);
  for (const type of ['dragenter', 'dragover']) await page.dispatchEvent('body', type, { dataTransfer: transfer });
  await page.getByText('Drop the files here').waitFor();
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}
