import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeFolder } from '../../lib/io/make-folder.ts';
import { folderError } from '../../lib/io/output-error.ts';

vi.mock('node:fs/promises', async original => {
  const actual = await original<typeof fs>();
  return { ...actual, mkdir: vi.fn(actual.mkdir) };
});

let folder = '';
beforeEach(() => {
  const made = mkdtempSync(join(tmpdir(), 'onnx-cam-folder-'));
  folder = made;
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
});

const failure = (code: string) => Object.assign(new Error(`${code}: no such luck`), { code });
const refusal = (path: string) =>
  makeFolder(path).then(
    () => 'made',
    (error: NodeJS.ErrnoException) => folderError(path, error).message,
  );

describe('makeFolder', () => {
  it('makes what is missing, and says whether the folder is new', async () => {
    const path = join(folder, 'a', 'b', 'c');
    expect(await makeFolder(path)).toBe(true);
    expect(statSync(path).isDirectory()).toBe(true);
    expect(await makeFolder(path)).toBe(false);
    expect(await makeFolder(`${join(folder, 'with')}/../slash/`)).toBe(true);
    expect([existsSync(join(folder, 'slash')), existsSync(join(folder, 'with'))]).toEqual([true, false]);
  });

  it('lets several make the same folders at once', async () => {
    const path = join(folder, 'a', 'b', 'c');
    const made = await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)));
    expect(made.filter(Boolean)).toHaveLength(1);
  });

  it('takes a folder that another process makes meanwhile', async () => {
    vi.mocked(fs.mkdir).mockImplementationOnce(async path => {
      mkdirSync(path);
      throw failure('EEXIST');
    });
    expect(await makeFolder(join(folder, 'a'))).toBe(false);
  });

  it('names the file that is in the way', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'a'), join(file, 'a', 'b')])
      expect(await refusal(path)).toBe(`cannot write to the folder ${path}: ${file} is not a folder`);
  });

  it.skipIf(process.platform === 'win32')('names a link to nothing', async () => {
    const link = join(folder, 'link');
    symlinkSync(join(folder, 'nothing'), link);
    expect(await refusal(join(link, 'a'))).toContain(`${link} is not a folder`);
  });

  it('says that a file system is read-only', async () => {
    vi.mocked(fs.mkdir).mockRejectedValueOnce(failure('EROFS'));
    expect(await refusal(join(folder, 'a', 'b'))).toMatch(/: the file system is read-only$/);
  });

  // Node's own `recursive` never ends there.
  it.runIf(process.platform === 'linux')('gives up where nothing can be made', async () => {
    for (const path of ['/proc/x', '/proc/self/x', '/proc/x/y'])
      expect(await refusal(path)).toBe(`cannot write to the folder ${path}: nothing can be made there`);
  });
});
