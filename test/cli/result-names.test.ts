import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { formatNpy } from '../../lib/io/npy.ts';
import { readManifest, runHere, temporaryFolder } from './harness.ts';

let folder: string;
let out: string;

beforeEach(() => {
  folder = temporaryFolder();
  out = join(folder, 'out');
});

describe('files that would be those of another input', () => {
  const given = (name: string): string => {
    const path = join(folder, name);
    const images = { data: new Float32Array(2 * 3 * 4), dims: [2, 3, 2, 2] };
    writeFileSync(path, name.endsWith('.npy') ? Buffer.concat(formatNpy(images)) : '');
    return path;
  };
  const namesFor = async (inputs: readonly string[], ...argv: string[]) => {
    expect(
      (await runHere(['explain', 'model.onnx', ...inputs.map(given), '--save', 'map', ...argv, '-o', out])).code,
    ).toBe(0);
    const names: string[] = readManifest(out).results.map(({ files }: { files: { map: string } }) => files.map);
    expect([...names, 'manifest.jsonl'].sort()).toEqual(readdirSync(out).sort());
    return names.map(name => name.slice(0, -'.grad-cam.map.npy'.length));
  };

  it('get numbers: images of a tensor first', async () => {
    expect(await namesFor(['two.npy', 'two.0.png', 'two.5.png', 'two.0-2.png'])).toEqual([
      ...['two.0', 'two.1'],
      ...['two.0-3', 'two.5', 'two.0-2'],
    ]);
  });

  it('get numbers: a picture first', async () => {
    expect(await namesFor(['two.1.png', 'two.npy', 'two.png'])).toEqual(['two.1', 'two-3.0', 'two-3.1', 'two-2']);
  });

  it('get numbers: with targets', async () => {
    const names = await namesFor(['two.npy', 'two.1.png', 'two.t280.png'], '-t', 'top2');
    expect(names).toEqual([
      ...['two.0.t280', 'two.0.t281', 'two.1.t280', 'two.1.t281'],
      ...['two.1-2.t280', 'two.1-2.t281', 'two.t280.t280', 'two.t280.t281'],
    ]);
  });

  it('keep their names where only the methods’ names are in the stems', async () => {
    expect(await namesFor(['cat.png', 'cat.grad-cam.png', 'cat.grad-cam.map.png'])).toEqual([
      'cat',
      'cat.grad-cam',
      'cat.grad-cam.map',
    ]);
  });
});
