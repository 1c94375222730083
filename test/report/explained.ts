import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatNpy } from '../../lib/io/npy.ts';
import { readRunFolder } from '../../lib/report/run-folder.ts';
import { reportSource } from '../../lib/report/run-source.ts';
import type { PhotoEntry } from '../../lib/report/write-report.ts';
import { temporaryFolder } from '../cli/harness.ts';

/** A map's file. */
export const npy = (dims: readonly number[], value = (i: number) => i) => {
  const count = dims.reduce((product, length) => product * length, 1);
  return Buffer.concat(formatNpy({ data: Float32Array.from({ length: count }, (_, i) => value(i) / count), dims }));
};

/** A line of a manifest. */
export const result = (changes: object = {}) => ({
  input: 'cat.png',
  method: 'grad-cam',
  target: { index: 1, label: 'tabby', score: 2, probability: 0.5, kind: 'rank' },
  predictions: [{ index: 1, label: 'tabby', score: 2, probability: 0.5 }],
  layer: { name: 'features', shape: [1, 4, 2, 3], reason: 'given' },
  status: 'ok',
  reason: null,
  warnings: ['one warning'],
  convention: 'paper',
  technique: null,
  preprocess: { size: [12, 8], fit: 'squeeze', resize: null, cropPct: null },
  map: { width: 12, height: 8 },
  raw: { dims: [2, 3] },
  files: { map: 'cat.grad-cam.map.npy' },
  ...changes,
});

/** Its first line. */
export const header = (changes: object = {}) => ({
  run: { versions: {}, model: 'model.onnx', sha256: 'f'.repeat(64), options: {}, started: 'now', ...changes },
});

/** A new folder of `explain` in which manifests are written and read as for a report. */
export class ExplainedFolder {
  readonly path = temporaryFolder();

  write(results: readonly object[], name = 'manifest.jsonl', first: object = header()): void {
    writeFileSync(join(this.path, name), [first, ...results].map(line => `${JSON.stringify(line)}\n`).join(''));
  }

  async read(pictures?: number) {
    const missing: string[] = [];
    const warnings: string[] = [];
    const source = await readRunFolder(this.path, {
      missing: what => missing.push(what),
      warn: text => warnings.push(text),
      pictures,
    });
    const entries: PhotoEntry[] = [];
    for await (const entry of reportSource(source).photos) entries.push(entry);
    const names = entries.map(({ photo }) => photo.name);
    return { entries, names, missing, warnings, run: source.run, leftOut: source.leftOut };
  }
}
