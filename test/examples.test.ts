import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { expect, it, onTestFinished } from 'vitest';

it('examples/class-masks.js colours the classes of two pictures side by side where they are', async () => {
  const out = mkdtempSync(join(tmpdir(), 'onnx-cam-example-'));
  onTestFinished(() => rmSync(out, { recursive: true, force: true }));
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('examples/class-masks.js'), out], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatch(/Egyptian cat: \d+\.\d % of the picture\nespresso: \d+\.\d % of the picture\n/);
  const { data, info } = await sharp(join(out, 'class-masks.png')).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 600, height: 400, channels: 3 });
  const counts: Record<string, { left: number; right: number }> = {};
  for (let i = 0; i < info.width * info.height; i++) {
    const colour = [...data.subarray(3 * i, 3 * i + 3)].join();
    counts[colour] ??= { left: 0, right: 0 };
    counts[colour][i % info.width < 300 ? 'left' : 'right']++;
  }
  expect(Object.keys(counts).sort()).toEqual(['0,0,0', '0,128,0', '128,0,0']);
  const [cat, espresso] = [counts['128,0,0']!, counts['0,128,0']!];
  expect(cat.left / (cat.left + cat.right)).toBeGreaterThan(0.9);
  expect(espresso.right / (espresso.left + espresso.right)).toBeGreaterThan(0.9);
  const overlay = await sharp(join(out, 'class-masks.overlay.png')).metadata();
  expect([overlay.width, overlay.height]).toEqual([600, 400]);
});
