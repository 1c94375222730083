/**
 * Does memory grow? Sends the bundled pictures through `stream` and through `onnx-cam explain`, each in a process of its
 * own, and prints the resident set along the way.
 * `npm run build`, then `node bench/memory.js [COUNT]` (3,000 by default).
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BUNDLED, CAT, COFFEE, ROCKET } from './support/models.js';
import { printHead, printTable } from './support/report.js';

const count = Number(process.argv[2] ?? 3000);
const PICTURES = [CAT, COFFEE, ROCKET];
const fileIn = folder => i => join(folder, `${i}${extname(PICTURES[i % PICTURES.length])}`);

/** What the first process runs: a line of output for each result, as the command prints one. */
async function explainStream(model, folder) {
  const { load } = await import('../dist/index.js');
  const cam = await load(model);
  for await (const { result, error } of cam.stream(folder, { signal: new AbortController().signal })) {
    if (error) throw error;
    await result.overlay();
    process.stdout.write('{}\n');
  }
  await cam.dispose();
}

/** The resident set in MB after each tenth of the results. */
async function measure(script, argv) {
  const child = spawn(process.execPath, [script, ...argv], { stdio: ['ignore', 'pipe', 'ignore'] });
  const sizes = [];
  let lines = 0;
  for await (const line of createInterface(child.stdout)) {
    for (const file of Object.values(JSON.parse(line).files ?? {})) await rm(file);
    if (++lines % Math.ceil(count / 10) !== 0) continue;
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(child.pid)]);
    sizes.push([lines, (Number(stdout) / 1024).toFixed(0)]);
  }
  if (lines !== count) throw new Error(`${lines} results of ${count}`);
  return sizes;
}

const [, , first, ...others] = process.argv;
if (first === 'stream') await explainStream(...others);
else {
  const folder = await mkdtemp(join(tmpdir(), 'onnx-cam-memory-'));
  try {
    printHead(`Resident memory in MB over ${count} pictures (decode, Grad-CAM, overlay)`);
    const name = fileIn(folder);
    for (let i = 0; i < count; i++) await symlink(PICTURES[i % PICTURES.length], name(i));
    const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
    const streamed = await measure(fileURLToPath(import.meta.url), ['stream', BUNDLED, folder]);
    const flags = ['--save', 'overlay', '--json', '-o', join(folder, 'out')];
    const commanded = await measure(command, ['explain', BUNDLED, folder, ...flags]);
    printTable(
      ['pictures', 'stream', 'onnx-cam explain'],
      streamed.map(([after, size], i) => [after, size, commanded[i][1]]),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
