import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileAtomic } from '../../lib/io/atomic-write.ts';
import { outputError } from '../../lib/io/output-error.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-cam-write-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('writeFileAtomic', () => {
  it('writes text, bytes and several parts, and leaves nothing else', async () => {
    await writeFileAtomic(join(folder, 'a.txt'), 'text');
    await writeFileAtomic(join(folder, 'b.bin'), Uint8Array.of(1, 2, 3));
    await writeFileAtomic(join(folder, 'c.bin'), [Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)]);
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('text');
    expect([...(await readFile(join(folder, 'b.bin')))]).toEqual([1, 2, 3]);
    expect([...(await readFile(join(folder, 'c.bin')))]).toEqual([1, 2, 3]);
    expect((await readdir(folder)).sort()).toEqual(['a.txt', 'b.bin', 'c.bin']);
  });

  it('replaces a file in one step: a reader sees the old or the new, whole', async () => {
    const path = join(folder, 'replaced');
    const versions = ['A', 'B'].map(letter => letter.repeat(3_000_000));
    await writeFileAtomic(path, versions[0]!);
    const writing = Promise.all([1, 0, 1, 0, 1].map(i => writeFileAtomic(path, versions[i]!)));
    let done = false;
    const watched = writing.finally(() => (done = true));
    while (!done) {
      const text = await readFile(path, 'utf8');
      expect(versions.includes(text)).toBe(true);
    }
    await watched;
    await rm(path);
  });

  it('leaves the old file and no temporary one when writing fails midway', async () => {
    const path = join(folder, 'kept');
    await writeFileAtomic(path, 'old');
    function* parts(): Generator<Uint8Array> {
      yield new Uint8Array(100_000);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
    const failing = { [Symbol.iterator]: parts } as unknown as Uint8Array[];
    await expect(writeFileAtomic(path, failing)).rejects.toMatchObject({
      code: 'ERR_OUTPUT',
      message: expect.stringContaining('the disk is full'),
    });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect((await readdir(folder)).filter(name => name.endsWith('.tmp'))).toEqual([]);
  });

  // A device that is always full.
  it.runIf(process.platform === 'linux')('reports a full disk', async () => {
    await stat('/dev/full');
    const { open } = await import('node:fs/promises');
    const file = await open('/dev/full', 'w');
    const error = await file.writeFile('x').then(
      () => undefined,
      (cause: NodeJS.ErrnoException) => cause,
    );
    await file.close();
    expect(outputError('out.png', error!)).toMatchObject({
      code: 'ERR_OUTPUT',
      message: expect.stringMatching(/full/),
    });
  });

  it('names the missing folder', async () => {
    await expect(writeFileAtomic(join(folder, 'none', 'a'), 'x')).rejects.toMatchObject({
      code: 'ERR_OUTPUT',
      message: expect.stringContaining(`${join(folder, 'none')} does not exist`),
    });
  });

  it('refuses to replace a folder', async () => {
    await mkdir(join(folder, 'sub'));
    await expect(writeFileAtomic(join(folder, 'sub'), 'x')).rejects.toMatchObject({ code: 'ERR_OUTPUT' });
    expect((await readdir(folder)).filter(name => name.endsWith('.tmp'))).toEqual([]);
  });

  it('stops when aborted', async () => {
    const signal = AbortSignal.abort();
    await expect(writeFileAtomic(join(folder, 'aborted'), 'x', { signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      name: 'AbortError',
    });
    expect(await readdir(folder)).not.toContain('aborted');
  });

  it('takes names of the greatest length', async () => {
    const name = 'n'.repeat(255);
    await writeFileAtomic(join(folder, name), 'x');
    await expect(writeFileAtomic(join(folder, `${name}n`), 'x')).rejects.toMatchObject({ code: 'ERR_OUTPUT' });
  });
});
