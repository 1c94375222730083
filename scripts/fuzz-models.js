/**
 * Damages small models in every way that a file can be damaged, and loads, explains, predicts and exports with each. Right is a
 * result or an OnnxCamError with a code, in time and memory; everything else is a finding and ends in exit code 1.
 *
 *   npm run build
 *   node scripts/fuzz-models.js [--count 300] [--seed 1] [--from 0] [--out FOLDER]
 *
 * Mutant number I of a seed is the same on every machine. Findings are kept in FOLDER (the model, and what was done to
 * it); what ONNX Runtime does not survive alone is listed apart.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './fuzz/limits.js';
import { makeMutant } from './fuzz/model-mutant.js';
import { readSeeds } from './fuzz/model-seeds.js';
import { count, list, mutantOptions, runMutants, scriptOf } from './fuzz/run-mutants.js';

/** What one mutant may take, and so many of them in a process, which may hold more in the end. */
const LIMITS = {
  cpuSeconds: 10,
  alone: { seconds: 20, megabytes: 1000 },
  shared: 200,
  together: { seconds: 20, megabytes: 1500 },
};

const options = mutantOptions();
const { seed } = options;
const seeds = readSeeds();

/** Outcome to how often; findings and what ONNX Runtime does not survive by what they are to the mutants. */
const counts = new Map();
const findings = new Map();
const runtimes = new Map();

await runMutants(options, {
  limits: LIMITS,
  child: scriptOf('model-child'),
  findingOf: ({ kind, what }) => (kind === 'finding' ? (what ?? kind) : undefined),
  onRight: note,
  onWrong: keepWrong,
  findings,
});
report();
process.exitCode = findings.size > 0 ? 1 : 0;

async function keepWrong({ index, what, died, outcome, scratch }) {
  const mutant = makeMutant(seeds, seed, index);
  const model = join(scratch, 'alone.onnx');
  writeFileSync(model, mutant.bytes);
  const alone = died && !mutant.onDisk ? await runChild(scriptOf('runtime-child'), [model], LIMITS.alone) : undefined;
  count(alone ? runtimes : findings, what, index);
  keep(index, mutant, { what, alone, outcome });
}

function note({ kind, codes }) {
  for (const key of [kind, ...new Set(codes)]) counts.set(key, (counts.get(key) ?? 0) + 1);
}

function keep(index, { bytes, ...how }, outcome) {
  const folder = join(options.out, `${seed}-${index}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), bytes);
  writeFileSync(join(folder, 'about.json'), `${JSON.stringify({ ...how, ...outcome }, null, 2)}\n`);
}

function report() {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const right = sorted.map(([key, n]) => `${n} ${key}`).join(', ');
  console.log(`${options.count} mutants of seed ${seed} from ${options.first}: ${right}`);
  listed('findings', findings);
  listed('ended by ONNX Runtime, which does not survive them alone either', runtimes);
}

function listed(title, found) {
  console.log(`${title}: ${[...found.values()].reduce((sum, indices) => sum + indices.length, 0)}`);
  list(found);
}
