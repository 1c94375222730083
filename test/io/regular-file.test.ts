import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeavesFolder, openInside, openNamedInside } from '../../lib/io/inside-folder.ts';
import { isMissing, openRegular, readRegular, readWhole, UnfitFile } from '../../lib/io/regular-file.ts';

let folder = '';
const at = (...names: string[]) => join(folder, ...names);
const text = async (bytes: Promise<Uint8Array>) => Buffer.from(await bytes).toString();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-regular-'));
  mkdirSync(at('inner'));
  writeFileSync(at('secret'), 'a secret');
  writeFileSync(at('inner', 'file'), 'content');
  symlinkSync(at('inner', 'file'), at('inner', 'link'));
  symlinkSync(at('secret'), at('inner', 'out'));
  symlinkSync(folder, at('inner', 'up'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const unfit = (task: Promise<unknown>, message: RegExp) =>
  expect(task).rejects.toSatisfy((error: unknown) => error instanceof UnfitFile && message.test(error.message));

describe('ordinary files', () => {
  it('are read, also through links', async () => {
    expect(await text(readRegular(at('inner', 'file'), 7))).toBe('content');
    expect(await text(readRegular(at('inner', 'link'), 100))).toBe('content');
  });

  it('are refused above the limit, before any memory is taken for them', async () => {
    await unfit(readRegular(at('inner', 'file'), 6), /7 bytes, more than the 6/);
    writeFileSync(at('huge'), '');
    truncateSync(at('huge'), 2 ** 42);
    await unfit(readRegular(at('huge'), 2 ** 24), /4398046511104 bytes/);
  });

  it('are told from missing ones', async () => {
    for (const path of [at('none'), at('secret', 'none')])
      expect(isMissing(await readRegular(path, 9).catch(error => error))).toBe(true);
    expect(isMissing(await readRegular(folder, 9).catch(error => error))).toBe(false);
  });
});

describe.skipIf(process.platform === 'win32')('what is no ordinary file', () => {
  it('a FIFO is refused and not waited for', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    await unfit(openRegular(at('fifo')), /FIFO/);
  });

  it('a device, a folder, a socket', async () => {
    await unfit(openRegular('/dev/zero'), /device/);
    await unfit(openRegular(folder), /folder/);
    const server = createServer();
    await new Promise<void>(done => void server.listen(at('socket'), done));
    await unfit(openRegular(at('socket')), /socket/);
    server.close();
  });
});

describe('files inside a folder', () => {
  const read = async (name: string) => text(readWhole(await openNamedInside(at('inner'), name), 100));

  it('are opened by name, and through links that stay inside', async () => {
    for (const name of ['file', './file', 'link']) expect(await read(name)).toBe('content');
    expect(await read('up/inner/file')).toBe('content');
  });

  it.each([
    '',
    '../secret',
    'x/../../secret',
    '..\\secret',
    'C:\\secret',
    '\\\\server\\secret',
    'file\0',
    'out',
    'up/secret',
  ])('are not left by %j', async name => {
    await expect(openNamedInside(at('inner'), name)).rejects.toBeInstanceOf(LeavesFolder);
  });

  it('are not left by absolute paths, even of a file inside', async () => {
    await expect(openNamedInside(at('inner'), at('inner', 'file'))).rejects.toBeInstanceOf(LeavesFolder);
    await expect(openInside(at('inner'), at('inner', 'out'))).rejects.toBeInstanceOf(LeavesFolder);
  });

  it.skipIf(process.platform === 'win32')('are not followed once they are resolved', async () => {
    await expect(openRegular(at('inner', 'link'), { noFollow: true })).rejects.toMatchObject({ code: 'ELOOP' });
  });
});
