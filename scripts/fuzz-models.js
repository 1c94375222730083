/**
 * Damages small models in every way that a file can be damaged, and loads, explains and predicts with each. Right is a
 * result or an OnnxCamError with a code, in time and memory; everything else is a finding and ends in exit code 1.
 *
 *   npm run build
 *   node scripts/fuzz-models.js [--count 300] [--seed 1] [--from 0] [--out FOLDER]
 *
 * Mutant number I of a seed is the same on every machine. Findings are kept in FOLDER (the model, and what was done to
 * it); what ONNX Runtime does not survive alone is listed apart.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runChild } from './fuzz/limits.js';
import { makeMutant } from './fuzz/model-mutant.js';
import { readSeeds } from './fuzz/model-seeds.js';

/** What one mutant may take: CPU seconds to be right, and where its process is ended in any case. */
const CPU_SECONDS = 10;
const ALONE = { seconds: 20, megabytes: 1000 };
/** So many mutants share a process, which may hold more in the end. */
const SHARED = 200;
const TOGETHER = { seconds: 20, megabytes: 1500 };

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    out: { type: 'string', default: 'fuzz-out' },
  },
});
const [count, seed, first] = [values.count, values.seed, values.from].map(Number);
const scratch = mkdtempSync(join(tmpdir(), 'onnx-cam-fuzz-'));
const script = name => fileURLToPath(new URL(`fuzz/${name}.js`, import.meta.url));
const seeds = readSeeds();

/** Outcome to how often; findings and what ONNX Runtime does not survive by what they are to the mutants. */
const counts = new Map();
const findings = new Map();
const runtimes = new Map();
const started = Date.now();

for (let next = first; next < first + count; ) {
  const row = await tryRow(next, Math.min(next + SHARED, first + count));
  for (const index of row.suspects) await confirm(index);
  next = row.next;
  const rate = ((next - first) / (Date.now() - started)) * 1000;
  process.stderr.write(`${next - first} of ${count} mutants, ${rate.toFixed(1)} a second, ${findings.size} findings\n`);
}
rmSync(scratch, { recursive: true });
report();
process.exitCode = findings.size > 0 ? 1 : 0;

/** @returns those to be tried alone, and the number after the last that was tried */
async function tryRow(from, to) {
  const suspects = [];
  let last = from;
  let running = true;
  const died = await runChild(script('model-child'), [seed, from, to, scratch], TOGETHER, line => {
    const [mark, index, outcome] = parse(line);
    last = index ?? last;
    running = mark !== '<';
    if (!outcome || running) return;
    if (isRight(outcome)) note(outcome);
    else suspects.push(last);
  });
  if (!died) return { suspects, next: to };
  if (running) suspects.push(last);
  return { suspects, next: last + 1 };
}

/** Tries a mutant by itself, and writes it down if it is wrong then as well. */
async function confirm(index) {
  let outcome;
  const died = await runChild(script('model-child'), [seed, index, index + 1, scratch], ALONE, line => {
    outcome = parse(line)[2] ?? outcome;
  });
  if (!died && isRight(outcome)) return note(outcome);
  const slow = `${CPU_SECONDS} CPU seconds and more`;
  const what = died && outcome?.kind !== 'finding' ? died : (outcome.what ?? slow);
  const mutant = makeMutant(seeds, seed, index);
  const model = join(scratch, 'alone.onnx');
  writeFileSync(model, mutant.bytes);
  const alone = died && !mutant.onDisk ? await runChild(script('runtime-child'), [model], ALONE) : undefined;
  const found = alone ? runtimes : findings;
  found.set(what, [...(found.get(what) ?? []), index]);
  keep(index, mutant, { what, alone, outcome });
}

function parse(line) {
  const [mark, index, ...rest] = line.split(' ');
  if (mark === '!') return [mark, undefined, JSON.parse(line.slice(2))];
  return [mark, Number(index), rest.length > 0 ? JSON.parse(rest.join(' ')) : undefined];
}

function isRight({ kind, seconds }) {
  return kind !== 'finding' && seconds < CPU_SECONDS;
}

function note({ kind, codes }) {
  for (const key of [kind, ...new Set(codes)]) counts.set(key, (counts.get(key) ?? 0) + 1);
}

function keep(index, { bytes, ...how }, outcome) {
  const folder = join(values.out, `${seed}-${index}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), bytes);
  writeFileSync(join(folder, 'about.json'), `${JSON.stringify({ ...how, ...outcome }, null, 2)}\n`);
}

function report() {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  console.log(`${count} mutants of seed ${seed} from ${first}: ${sorted.map(([key, n]) => `${n} ${key}`).join(', ')}`);
  list('findings', findings);
  list('ended by ONNX Runtime, which does not survive them alone either', runtimes);
}

function list(title, found) {
  const all = [...found].sort(([, a], [, b]) => b.length - a.length);
  console.log(`${title}: ${all.reduce((sum, [, indices]) => sum + indices.length, 0)}`);
  for (const [what, indices] of all)
    console.log(`  ${indices.length} × ${what} [${indices.slice(0, 8).join(', ')}${indices.length > 8 ? ', …' : ''}]`);
}
