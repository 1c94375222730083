import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../lib/stores/open-store.ts';
import { temporaryFolder } from '../cli/harness.ts';
import { expectError } from '../helpers/expect-error.ts';

describe('a folder as the place of results', () => {
  it('is made, and taken away again while it is empty', async () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    const undo = await openStore(folder).prepare();
    expect(readdirSync(folder)).toEqual([]);
    await undo();
    expect(existsSync(folder)).toBe(false);
    const store = openStore(folder);
    const undoAgain = await store.prepare();
    await store.put('cat.txt', 'cat');
    await undoAgain();
    expect(readdirSync(folder)).toEqual(['cat.txt']);
  });

  it('holds files below it, whole, from bytes, parts, text and other files', async () => {
    const folder = temporaryFolder();
    const store = openStore(folder);
    await store.put('sub/deep/bytes', Uint8Array.of(1, 2));
    await store.put('sub/parts', [Uint8Array.of(1), Uint8Array.of(2, 3)]);
    await store.put('text', 'text');
    await store.putFile('sub/copy', store.pathOf('text'));
    expect([...readFileSync(join(folder, 'sub/deep/bytes'))]).toEqual([1, 2]);
    expect([...readFileSync(join(folder, 'sub/parts'))]).toEqual([1, 2, 3]);
    expect(readFileSync(join(folder, 'sub/copy'), 'utf8')).toBe('text');
    expect(readdirSync(join(folder, 'sub')).sort()).toEqual(['copy', 'deep', 'parts']);
  });

  it('gives files back, and says where there are none', async () => {
    const folder = temporaryFolder();
    const store = openStore(folder);
    await store.put('sub/text', 'text');
    expect(await store.getFile('sub/text', join(folder, 'back'))).toBe(true);
    expect(readFileSync(join(folder, 'back'), 'utf8')).toBe('text');
    expect(await store.getFile('sub/none', join(folder, 'none'))).toBe(false);
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('tells which files are there; a folder is none', async () => {
    const store = openStore(temporaryFolder());
    await store.put('sub/text', 'text');
    const look = store.presence();
    expect(await Promise.all(['sub/text', 'sub', 'sub/none', 'text/below'].map(name => look.has(name)))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    await store.remove('sub/text');
    await store.remove('sub/text');
    expect(await store.presence().has('sub/text')).toBe(false);
  });

  it('refuses what cannot be written', async () => {
    const folder = temporaryFolder();
    const store = openStore(folder);
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'taken'));
    await expectError(() => store.put('file/below', 'x'), 'ERR_OUTPUT', /file is not a folder/);
    await expectError(() => store.put('taken', 'x'), 'ERR_OUTPUT', /taken/);
    await expectError(() => store.remove('taken'), 'ERR_OUTPUT', /taken/);
    await expectError(() => store.putFile('copy', join(folder, 'none')), 'ERR_OUTPUT', /copy/);
    await expectError(() => openStore(join(folder, 'file')).prepare(), 'ERR_OUTPUT', /is not a folder/);
  });
});
