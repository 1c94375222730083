// No source file is longer than can be read at a sitting, tables excepted.
//   node scripts/check-file-lengths.js
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const MOST_LINES = 350;

/** Files of many short cases one after the other, which nobody reads from top to bottom. */
const TABLES = new Set(['test/golden/autodiff_families.py', 'test/native/cuda_kernels.cpp']);

const sources = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter(file => /\.(c?js|tsx?|css|py|cpp|hpp|inl|cuh?|sh)$/.test(file) && existsSync(file));

const faults = [];
for (const file of sources) {
  const lines = readFileSync(file, 'utf8').split('\n').length - 1;
  if (lines > MOST_LINES && !TABLES.has(file))
    faults.push(`${file} has ${lines} lines, more than ${MOST_LINES}: split it`);
  if (lines <= MOST_LINES && TABLES.has(file))
    faults.push(`${file} needs its place in scripts/check-file-lengths.js no more`);
}
for (const table of TABLES)
  if (!sources.includes(table)) faults.push(`scripts/check-file-lengths.js names ${table}, which does not exist`);

for (const fault of faults) console.error(fault);
if (sources.length === 0) console.error('git lists no source file here');
if (faults.length > 0 || sources.length === 0) process.exit(1);
console.log(`${sources.length} files of at most ${MOST_LINES} lines, ${TABLES.size} tables`);
