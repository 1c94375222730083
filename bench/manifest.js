/**
 * Does anything grow with the number of results? A million made-up ones through manifest.jsonl, through `--resume` after an interruption
 * at nine tenths, and through `report`, beside ten thousand: seconds, bytes, what each process holds before the first result and after
 * the last one, and the peak of its resident set. `npm run build`, then `node bench/manifest.js [--counts 10000,1000000] [--parts 8]`; disk: 3 GB.
 */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, open, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { load } from '../dist/index.js';
import { formatNpy } from '../build/modules/io/npy.js';
import { BUNDLED, CAT } from './support/models.js';
import { printHead, printTable } from './support/report.js';

const { values: flags } = parseArgs({
  options: { counts: { type: 'string', default: '10000,1000000' }, parts: { type: 'string', default: '8' } },
});
/** Photographs that a report shows. */
const SHOWN = 1000;
const CHILD = fileURLToPath(new URL('support/manifest-child.js', import.meta.url));
const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** Says the peak of the resident set when the process ends. */
const TELL_PEAK = `data:text/javascript,process.on('exit',()=>process.stdout.write(JSON.stringify({peak:Math.round(process.resourceUsage().maxRSS/1024)})+'\\n'))`;

const work = await mkdtemp(join(tmpdir(), 'onnx-cam-manifest-'));
try {
  const template = await writeTemplate(join(work, 'template.json'));
  const rows = [];
  for (const count of flags.counts.split(',').map(Number)) rows.push(...(await measure(count, template)));
  printHead('Results through manifest, resume and report; memory in MB');
  printTable(['step', 'results', 'seconds', 'µs a result', 'manifests', 'held, with the list', 'in the end', 'peak of the list', 'peak'], rows);
} finally {
  await rm(work, { recursive: true });
}

/** What a manifest says of a real result. */
async function writeTemplate(path) {
  const cam = await load(BUNDLED);
  await writeFile(path, JSON.stringify(await cam.explain(CAT, { mapSize: { max: 448 } })));
  await cam.dispose();
  return path;
}

async function measure(count, template) {
  const folder = join(work, `${count}`);
  const parts = Number(flags.parts);
  const rows = [];
  const row = (step, { ms, listed, held, peak }, bytes) => {
    const memory = [listed?.held ?? '', held ?? '', listed?.peak ?? '', peak];
    rows.push([step, count, (ms / 1000).toFixed(1), ((ms * 1000) / count).toFixed(1), `${(bytes / 1e6).toFixed(1)} MB`, ...memory]);
  };
  const manifest = join(folder, 'manifest.jsonl');
  const child = (...rest) => run(['--expose-gc', CHILD, folder, count, template, ...rest]);
  row('explain', await child('anew'), (await stat(manifest)).size);
  await truncate(manifest, Math.round(0.9 * (await stat(manifest)).size));
  row('explain --resume of nine tenths', await child('on'), (await stat(manifest)).size);
  row('explain --resume of all', await child('on'), (await stat(manifest)).size);
  await giveMaps(folder, manifest);
  const report = () => run(['--import', TELL_PEAK, COMMAND, 'report', folder, '-o', join(work, 'page.html')], { cwd: folder });
  row(`report, ${SHOWN} shown`, await report(), (await stat(manifest)).size);
  await deal(folder, manifest, parts);
  row(`report of ${parts} parts`, await report(), await sizeOf(folder));
  await rm(folder, { recursive: true });
  return rows;
}

/** Milliseconds, and what the process says of itself. @throws for one that fails */
async function run(argv, options = {}) {
  const start = performance.now();
  const child = spawn(process.execPath, argv.map(String), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let errors = '';
  child.stderr.on('data', text => {
    errors = (errors + text).slice(-2000);
  });
  let told = {};
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('{')) told = { ...told, ...JSON.parse(line) };
  const code = child.exitCode ?? (await new Promise(resolve => child.on('close', resolve)));
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${errors}`);
  return { ms: performance.now() - start, ...told };
}

/** One map that all results name, and photographs for the first of them. */
async function giveMaps(folder, manifest) {
  const values = Float32Array.from({ length: 448 * 448 }, (_, i) => ((i % 448) * (i / 448)) / 448 ** 2);
  await writeFile(join(folder, 'one.map.npy'), Buffer.concat(formatNpy({ data: values, dims: [448, 448] })));
  await mkdir(join(folder, 'photos'));
  const photo = join(folder, 'photo.jpg');
  await copyFile(CAT, photo);
  for (let i = 0; i < SHOWN; i++) await link(photo, join(folder, 'photos', `${String(i).padStart(7, '0')}.jpg`));
  await rewrite(manifest, async (line, write) => write(0, line.replace('"files":{}', '"files":{"map":"one.map.npy"}')), [
    manifest,
  ]);
}

/** The same results as those of shards. */
async function deal(folder, manifest, parts) {
  const paths = Array.from({ length: parts }, (_, i) => join(folder, `manifest-${i}of${parts}.jsonl`));
  let place = -1;
  await rewrite(
    manifest,
    async (line, write) => {
      if (place++ < 0) for (let i = 0; i < parts; i++) await write(i, line);
      else await write((place - 1) % parts, line);
    },
    paths,
  );
  await rm(manifest);
}

async function rewrite(from, each, paths) {
  const files = await Promise.all(paths.map(path => open(`${path}.new`, 'w')));
  const waiting = paths.map(() => []);
  const flush = async i => files[i].write(waiting[i].splice(0).join(''));
  const write = async (i, line) => {
    if (waiting[i].push(`${line}\n`) === 500) await flush(i);
  };
  for await (const line of createInterface({ input: createReadStream(from) })) await each(line, write);
  for (const [i, file] of files.entries()) {
    await flush(i);
    await file.close();
  }
  for (const path of paths) await rename(`${path}.new`, path);
}

async function sizeOf(folder) {
  const names = (await readdir(folder)).filter(name => name.endsWith('.jsonl'));
  const sizes = await Promise.all(names.map(async name => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
