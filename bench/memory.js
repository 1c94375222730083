/**
 * Does memory grow? Sends pictures of mixed sizes, 160 × 120 to 12 megapixels, through `stream` and through
 * `onnx-cam explain`, each in a process of its own, and prints the resident set along the way and its peak.
 * `npm run build`, then `node bench/memory.js [COUNT]` (3,000 by default).
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { writePhotos } from './support/photo-folder.js';
import { BUNDLED, CAT, COFFEE, ROCKET } from './support/models.js';
import { printHead, printTable } from './support/report.js';

const count = Number(process.argv[2] ?? 3000);
const SIZES = [
  [160, 120],
  [640, 480],
  [480, 854],
  [1024, 768],
  [1920, 1080],
];
/** Of 12 megapixels every fortieth. */
const LARGE_EVERY = 40;

/** Links to pictures of all sizes, in turn. */
async function writePictures(folder, sources) {
  const paths = [CAT, COFFEE, ROCKET];
  for (const [width, height] of SIZES) paths.push(...(await writePhotos(join(sources, `${width}`), 2, { width, height })));
  const [large] = await writePhotos(join(sources, 'large'), 1, { width: 4000, height: 3000 });
  for (let i = 0; i < count; i++) {
    const path = i % LARGE_EVERY === LARGE_EVERY - 1 ? large : paths[i % paths.length];
    await symlink(path, join(folder, `${i}${extname(path)}`));
  }
}

/** What the first process runs: a line of output for each result, as the command prints one. */
async function explainStream(model, folder) {
  const { load } = await import('../dist/index.js');
  const cam = await load(model);
  for await (const { result, error } of cam.stream(folder, { mapSize: { max: 1024 }, signal: new AbortController().signal })) {
    if (error) throw error;
    await result.overlay();
    process.stdout.write('{}\n');
  }
  await cam.dispose();
}

/** Of a process, in MB; Linux. */
async function memoryOf(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = field => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)[1]) / 1024;
  return { resident: read('VmRSS'), highest: read('VmHWM') };
}

/** The resident set in MB after each tenth of the results, and its peak. */
async function measure(script, argv) {
  const child = spawn(process.execPath, [script, ...argv], { stdio: ['ignore', 'pipe', 'ignore'] });
  const sizes = [];
  let lines = 0;
  let peak = 0;
  for await (const line of createInterface(child.stdout)) {
    for (const file of Object.values(JSON.parse(line).files ?? {})) await rm(file);
    if (++lines % Math.ceil(count / 10) !== 0) continue;
    const { resident, highest } = await memoryOf(child.pid);
    sizes.push([lines, resident.toFixed(0)]);
    peak = highest;
  }
  if (lines !== count) throw new Error(`${lines} results of ${count}`);
  return { sizes, peak };
}

const [, , first, ...others] = process.argv;
if (first === 'stream') await explainStream(...others);
else {
  const folder = await mkdtemp(join(tmpdir(), 'onnx-cam-memory-'));
  const sources = await mkdtemp(join(tmpdir(), 'onnx-cam-pictures-'));
  try {
    printHead(`Resident memory in MB over ${count} pictures (decode, Grad-CAM, overlay)`);
    await writePictures(folder, sources);
    const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
    const streamed = await measure(fileURLToPath(import.meta.url), ['stream', BUNDLED, folder]);
    const flags = ['--save', 'overlay', '--format', 'jpeg', '--json', '-o', join(sources, 'out')];
    const commanded = await measure(command, ['explain', BUNDLED, folder, ...flags]);
    printTable(
      ['pictures', 'stream', 'onnx-cam explain'],
      [
        ...streamed.sizes.map(([after, size], i) => [after, size, commanded.sizes[i][1]]),
        ['peak', streamed.peak.toFixed(0), commanded.peak.toFixed(0)],
      ],
    );
  } finally {
    for (const made of [folder, sources]) await rm(made, { recursive: true });
  }
}
