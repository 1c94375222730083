/**
 * Damages pictures, arrays and the files beside a model in every way that files can be damaged, and reads each. Right is a
 * result or a refusal with the code of its kind, in time and memory; everything else is a finding and ends in exit code 1.
 *
 *   npm run build
 *   node scripts/fuzz-files.js [--count 300] [--seed 1] [--from 0] [--out FOLDER]
 *
 * Mutant number I of a seed is the same wherever sharp's version is. Findings are kept in FOLDER.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeMutant } from './fuzz/file-mutant.js';
import { makeSeeds } from './fuzz/file-seeds.js';
import { runChild } from './fuzz/limits.js';

/** What one mutant may take: CPU seconds to be right, and where its process is ended in any case. */
const CPU_SECONDS = 5;
const ALONE = { seconds: 20, megabytes: 500 };
/** So many mutants share a process, which may hold more in the end. */
const SHARED = 500;
const TOGETHER = { seconds: 20, megabytes: 800 };

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
const child = fileURLToPath(new URL('fuzz/file-child.js', import.meta.url));
/** By kind, result to how often; findings by what they are to the mutants. */
const counts = new Map();
const findings = new Map();
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
  const died = await runChild(child, [seed, from, to, scratch], TOGETHER, line => {
    const { mark, index, outcome } = parse(line);
    last = index;
    running = mark === '>';
    if (running) return;
    if (isRight(outcome)) note(outcome);
    else suspects.push(index);
  });
  if (!died) return { suspects, next: to };
  if (running) suspects.push(last);
  return { suspects, next: last + 1 };
}

/** Tries a mutant by itself, and writes it down if it is wrong then as well. */
async function confirm(index) {
  let outcome;
  const died = await runChild(child, [seed, index, index + 1, scratch], ALONE, line => {
    outcome = parse(line).outcome ?? outcome;
  });
  if (!died && isRight(outcome)) return note(outcome);
  const what = died ?? outcome.finding ?? `${CPU_SECONDS} CPU seconds and more`;
  const { bytes, ...how } = makeMutant(await makeSeeds(), seed, index);
  const name = `${how.kind}: ${what}`;
  findings.set(name, [...(findings.get(name) ?? []), index]);
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, `${seed}-${index}.${how.kind}`), bytes);
  writeFileSync(
    join(values.out, `${seed}-${index}.json`),
    `${JSON.stringify({ ...how, ...outcome, what }, null, 2)}\n`,
  );
}

function parse(line) {
  const [mark, index, ...rest] = line.split(' ');
  return { mark, index: Number(index), outcome: rest.length > 0 ? JSON.parse(rest.join(' ')) : undefined };
}

function isRight({ finding, seconds }) {
  return finding === undefined && seconds < CPU_SECONDS;
}

function note({ kind, result }) {
  const key = `${kind} ${result}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function report() {
  console.log(`${count} mutants of seed ${seed} from ${first}`);
  for (const [key, number] of [...counts].sort()) console.log(`  ${number} ${key}`);
  console.log(`${findings.size} findings`);
  for (const [what, indices] of findings)
    console.log(`  ${indices.length} × ${what} [${indices.slice(0, 8).join(', ')}${indices.length > 8 ? ', …' : ''}]`);
}
