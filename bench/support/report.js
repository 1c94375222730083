import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg } from 'node:os';

const require = createRequire(import.meta.url);

/** What was measured, with what, on what. */
export function printHead(title, { threads } = {}) {
  const flags = process.execArgv.length > 0 ? ` ${process.execArgv.join(' ')}` : '';
  const version = name => JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')).version;
  console.log(`# ${title}`);
  console.log(
    `onnx-cam ${version('../..')}, onnxruntime-node ${version('onnxruntime-node')}, Node ${process.versions.node}${flags}, ` +
      `${process.platform}-${process.arch}, ${cpus()[0]?.model.trim()}, ${availableParallelism()} logical cores` +
      `${threads ? `, ${threads} threads` : ''}, load ${loadavg()[0].toFixed(1)} at the start`,
  );
}

/** Rows as aligned columns; the first column to the left, numbers to the right. */
export function printTable(head, rows) {
  const cells = [head, ...rows].map(row => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map(row => row[column].length)));
  const line = row => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  console.log(line(cells[0]));
  console.log(widths.map(width => '-'.repeat(width)).join('  '));
  for (const row of cells.slice(1)) console.log(line(row));
}

export const median = values => [...values].sort((a, b) => a - b)[values.length >> 1];
export const ms = value => value.toFixed(value < 10 ? 2 : 1);
export const ratio = value => `${value.toFixed(2)} ×`;

/** Milliseconds of processor time that this process has used, over all its threads. */
export const cpuTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * Times several tasks in turn (A B C A B C …), so that a drifting machine drifts for all of them.
 * @param options.clock milliseconds so far: of the wall clock, or {@link cpuTime}
 * @returns per task the milliseconds of every round
 */
export async function inTurn(tasks, { rounds = 40, warmups = 5, clock = () => performance.now() } = {}) {
  const times = Object.fromEntries(Object.keys(tasks).map(name => [name, []]));
  for (let round = -warmups; round < rounds; round++)
    for (const [name, task] of Object.entries(tasks)) {
      const start = clock();
      await task();
      if (round >= 0) times[name].push(clock() - start);
    }
  return times;
}

/** Median of the ratios round by round. */
export function pairedRatio(times, of, to) {
  return median(times[of].map((time, round) => time / times[to][round]));
}
