import { expect, test } from 'vitest';
import { loadSharp } from '../../lib/image/sharp.ts';

test('sharp without its binary says what to do, in one line', async () => {
  const text =
    'Could not load the "sharp" module using the linux-x64 runtime\nERR_DLOPEN_FAILED: no libvips\nPossible solutions:\n- Ensure optional …';
  await expect(loadSharp(() => Promise.reject(new Error(text)))).rejects.toMatchObject({
    code: 'ERR_ADDON',
    message: expect.stringMatching(
      /^sharp, which reads and writes pictures, .*: Could not load the "sharp" module using the linux-x64 runtime, ERR_DLOPEN_FAILED: no libvips; .*--include=optional[^\n]*$/,
    ),
  });
  expect((await loadSharp())({ create: { width: 1, height: 1, channels: 3, background: 'red' } })).toBeDefined();
});
