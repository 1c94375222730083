/**
 * Damages pictures, arrays and the files beside a model in every way that files can be damaged, and reads each. Right is a
 * result or a refusal with the code of its kind, in time and memory; everything else is a finding and ends in exit code 1.
 *
 *   npm run build
 *   node scripts/fuzz-files.js [--count 300] [--seed 1] [--from 0] [--out FOLDER]
 *
 * Mutant number I of a seed is the same wherever sharp's version is. Findings are kept in FOLDER.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeMutant } from './fuzz/file-mutant.js';
import { makeSeeds } from './fuzz/file-seeds.js';
import { count, list, mutantOptions, runMutants, scriptOf } from './fuzz/run-mutants.js';

/** What one mutant may take, and so many of them in a process, which may hold more in the end. */
const LIMITS = {
  cpuSeconds: 5,
  alone: { seconds: 20, megabytes: 500 },
  shared: 500,
  together: { seconds: 20, megabytes: 800 },
};

const options = mutantOptions();
const { seed, out } = options;
/** By kind, result to how often; findings by what they are to the mutants. */
const counts = new Map();
const findings = new Map();

await runMutants(options, {
  limits: LIMITS,
  child: scriptOf('file-child'),
  findingOf: ({ finding }) => finding,
  onRight: note,
  onWrong: keepWrong,
  findings,
});
report();
process.exitCode = findings.size > 0 ? 1 : 0;

async function keepWrong({ index, what, outcome }) {
  const { bytes, ...how } = makeMutant(await makeSeeds(), seed, index);
  count(findings, `${how.kind}: ${what}`, index);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${seed}-${index}.${how.kind}`), bytes);
  writeFileSync(join(out, `${seed}-${index}.json`), `${JSON.stringify({ ...how, ...outcome, what }, null, 2)}\n`);
}

function note({ kind, result }) {
  const key = `${kind} ${result}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function report() {
  console.log(`${options.count} mutants of seed ${seed} from ${options.first}`);
  for (const [key, number] of [...counts].sort()) console.log(`  ${number} ${key}`);
  console.log(`${findings.size} findings`);
  list(findings);
}
