import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CommandInput, expandInputs, type InputFile, type MissingInput } from '../../lib/cli/inputs/inputs.ts';
import { temporaryFolder } from './harness.ts';

function folderWith(...names: string[]): string {
  const folder = temporaryFolder();
  for (const name of names) {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '');
  }
  return folder;
}

const stems = (inputs: CommandInput[]) => inputs.map(input => (input as InputFile).stem);
const paths = (inputs: CommandInput[]) => inputs.map(input => input.path);
const codes = (inputs: CommandInput[]) => inputs.map(input => (input as MissingInput).error?.code);

describe('expandInputs', () => {
  it('takes a named file as it is, whatever it is called', async () => {
    const folder = folderWith('photo', 'data.npy');
    const inputs = await expandInputs([join(folder, 'photo'), join(folder, 'data.npy')]);
    expect(inputs).toEqual([
      { path: join(folder, 'photo'), stem: 'photo', isTensor: false },
      { path: join(folder, 'data.npy'), stem: 'data', isTensor: true },
    ]);
  });

  it('takes the pictures of a folder and its subfolders, sorted by path, whose stems keep it', async () => {
    const names = ['b.JPG', 'a.png', 'c.npy', 'notes.txt', '.hidden.png', 'deeper/d.png', 'deeper/down/a.png'];
    const folder = folderWith(...names, '.git/e.png', 'deeper/._d.png');
    const inputs = await expandInputs([folder]);
    const found = ['a.png', 'b.JPG', 'c.npy', 'deeper/d.png', 'deeper/down/a.png'];
    expect(paths(inputs)).toEqual(found.map(name => join(folder, name)));
    expect(stems(inputs)).toEqual(['a', 'b', 'c', 'deeper/d', 'deeper/down/a']);
  });

  it('names what a folder has besides once, also below', async () => {
    const folder = folderWith('a.png', 'notes.txt', 'deeper/b.heic', 'deeper/c.jpg');
    const notes: string[] = [];
    await expandInputs([folder], { note: text => notes.push(text) });
    expect(notes).toEqual([`left out in ${folder}: deeper/b.heic, notes.txt (no pictures that can be read)`]);
  });

  it('looks for no inputs in the folder for results, unless it is the one that was named', async () => {
    const folder = folderWith('a.png', 'out/a.grad-cam.overlay.png');
    const out = join(folder, 'out');
    const found = async (...given: string[]) => paths(await expandInputs(given, { out }));
    expect(await found(folder)).toEqual([join(folder, 'a.png')]);
    expect(await found(join(folder, '**'))).toEqual([join(folder, 'a.png')]);
    const results = [join(out, 'a.grad-cam.overlay.png')];
    expect(await found(out)).toEqual(results);
    expect(await found(join(out, '*'))).toEqual(results);
    expect(await found(results[0]!)).toEqual(results);
  });

  it.skipIf(process.platform === 'win32')('reads every folder once, whatever links lead to it', async () => {
    const folder = folderWith('z/a.png', 'z/y/b.png');
    const other = folderWith('c.png');
    symlinkSync(folder, join(folder, 'z/y/back'));
    symlinkSync(join(folder, 'z'), join(folder, 'again'));
    symlinkSync(other, join(folder, 'other'));
    symlinkSync(folder, join(other, 'circle'));
    symlinkSync('nowhere.png', join(folder, 'broken.png'));
    expect(stems(await expandInputs([folder]))).toEqual(['broken', 'other/c', 'z/a', 'z/y/b']);
  });

  it('expands globs, also into subfolders', async () => {
    const folder = folderWith('b.jpg', 'a.png', 'notes.txt', 'deeper/d.jpg');
    expect(paths(await expandInputs([join(folder, '*.jpg')]))).toEqual([join(folder, 'b.jpg')]);
    const inputs = await expandInputs([join(folder, '**')]);
    expect(paths(inputs)).toEqual(['a.png', 'b.jpg', 'deeper/d.jpg'].map(name => join(folder, name)));
    expect(stems(inputs)).toEqual(['a', 'b', 'deeper/d']);
    expect(stems(await expandInputs([join(folder, 'd*/*.jpg')]))).toEqual(['deeper/d']);
    expect(stems(await expandInputs([join(folder, 'deeper/*.jpg')]))).toEqual(['d']);
  });

  it('reads a name that exists as that file, not as a glob', async () => {
    const folder = folderWith('cat[1].png', 'cat1.png');
    expect(paths(await expandInputs([join(folder, 'cat[1].png')]))).toEqual([join(folder, 'cat[1].png')]);
  });

  it('gives stems over the whole list, whoever names the inputs', async () => {
    const folder = folderWith('x/cat.jpg', 'y/cat.png', 'dog.jpg');
    const listed = [join(folder, 'x/cat.jpg'), 'https.png'];
    const inputs = await expandInputs([join(folder, 'y'), join(folder, 'dog.jpg')], { listed });
    expect(stems(inputs)).toEqual(['cat.png', 'dog', 'cat.jpg', 'https']);
  });

  it('leaves out what explain wrote into a folder, where its manifest says that it did', async () => {
    const names = [
      'a.png',
      'a.grad-cam++.overlay.png',
      'sub/a.t3.layer-cam.map.npy',
      'contact-sheet.png',
      'a.other.map.npy',
    ];
    const folder = folderWith(...names);
    expect(await expandInputs([folder])).toHaveLength(5);
    writeFileSync(join(folder, 'manifest.jsonl'), '');
    expect(paths(await expandInputs([folder]))).toEqual(['a.other.map.npy', 'a.png'].map(name => join(folder, name)));
    const named = join(folder, 'contact-sheet.png');
    expect(paths(await expandInputs([named]))).toEqual([named]);
    expect(codes(await expandInputs([join(folder, 'sub')]))).toEqual([undefined]);
    expect(codes(await expandInputs([join(folder, '*.overlay.png')]))).toEqual(['ERR_IMAGE_NOT_FOUND']);
  });

  it('takes listed names as they are: globs and folders are none there', async () => {
    const listed = ['nowhere/*.png', 'gone.npy'];
    expect(await expandInputs([], { listed })).toEqual([
      { path: 'nowhere/*.png', stem: '*', isTensor: false },
      { path: 'gone.npy', stem: 'gone', isTensor: true },
    ]);
  });

  it('names an argument that stands for no file once', async () => {
    expect(await expandInputs(['gone.jpg', 'gone.jpg'])).toHaveLength(1);
  });

  it('keeps the dots inside a name and leaves out only the extension', async () => {
    const folder = folderWith('cat.v1.jpg');
    expect(stems(await expandInputs([join(folder, 'cat.v1.jpg')]))).toEqual(['cat.v1']);
  });

  it('gives an error for what stands for no picture, and the others all the same', async () => {
    const folder = folderWith('a.png', 'texts/notes.txt');
    const inputs = await expandInputs([
      join(folder, '*.jpg'),
      join(folder, 'a.png'),
      join(folder, 'texts'),
      join(folder, 'texts/*'),
    ]);
    expect(codes(inputs)).toEqual(['ERR_IMAGE_NOT_FOUND', undefined, 'ERR_IMAGE_NOT_FOUND', 'ERR_IMAGE_NOT_FOUND']);
  });

  it('gives an error for a name that does not exist', async () => {
    expect(await expandInputs(['nowhere/cat.jpg'])).toEqual([
      { path: 'nowhere/cat.jpg', error: expect.objectContaining({ code: 'ERR_IMAGE_NOT_FOUND' }) },
    ]);
  });

  it.skipIf(process.platform === 'win32')('says why a name cannot be looked up', async () => {
    // Links in a circle stand for a folder that may not be entered: permissions don't hold for root.
    const path = join(temporaryFolder(), 'circle');
    symlinkSync('circle', path);
    const given = join(path, 'cat.jpg');
    const message = expect.stringContaining(`${given} cannot be read: ELOOP`);
    expect(await expandInputs([given])).toEqual([
      { path: given, error: expect.objectContaining({ code: 'ERR_IMAGE_INVALID', message }) },
    ]);
  });
});
