import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveResult } from '../../lib/cli/run/output-files.ts';
import { LocalStore } from '../../lib/stores/local-store.ts';
import { fakeExplanation, temporaryFolder } from './harness.ts';

describe.skipIf(process.platform === 'win32')('links that somebody has laid in the output folder', () => {
  it('are not written through while the folder is tried', async () => {
    const folder = temporaryFolder();
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'content');
    const names = [`.onnx-cam-${process.pid}.tmp`, '.onnx-cam-.tmp', '.onnx-cam.tmp'];
    for (const name of names) symlinkSync(precious, join(folder, name));
    const removeFolder = await new LocalStore(folder).prepare();
    await removeFolder();
    expect(readFileSync(precious, 'utf8')).toBe('content');
    expect(readdirSync(folder).sort()).toEqual([...names, 'precious'].sort());
  });

  it('are replaced by results, not followed', async () => {
    const folder = temporaryFolder();
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'content');
    const map = join(folder, 'cat.grad-cam.map.npy');
    symlinkSync(precious, map);
    const store = new LocalStore(folder);
    await saveResult(fakeExplanation(), { stem: 'cat', method: 'grad-cam' }, store, { kinds: ['map'], format: 'png' });
    expect(readFileSync(precious, 'utf8')).toBe('content');
    expect(lstatSync(map).isFile()).toBe(true);
  });
});
