/**
 * From the start of a process to the first map: the bundled model on a photograph, beside onnxruntime-node and sharp for the
 * forward pass alone. Run `npm run build` first, then `node bench/cold-start.js [--runs 15]`.
 *
 * Every run is a process of its own, in turn; the table has medians. "start" is Node itself, before the first line.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, printHead, printTable, ratio } from './support/report.js';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '15' } } });
const CHILDREN = ['onnx-cam', 'onnx-cam on a tensor', 'onnxruntime-node and sharp'];
const child = fileURLToPath(new URL('support/cold-start-child.js', import.meta.url));

const rows = new Map(CHILDREN.map(name => [name, []]));
for (let run = -1; run < Number(values.runs); run++) {
  for (const name of CHILDREN) {
    const { stdout, stderr, status } = spawnSync(process.execPath, [child, name], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    // The first round warms the disk cache.
    if (run >= 0) rows.get(name).push(JSON.parse(stdout));
  }
}

const STEPS = ['start', 'imports', 'load', 'first', 'total', 'cpu'];
const middle = (name, step) => median(rows.get(name).map(row => row[step]));
printHead('Cold start');
printTable(
  [`milliseconds, medians of ${values.runs}`, 'Node itself', 'imports', 'load', 'first map', 'all', 'CPU'],
  CHILDREN.map(name => [name, ...STEPS.map(step => Math.round(middle(name, step)))]),
);
for (const name of CHILDREN.slice(0, 2))
  console.log(`${name}: ${ratio(middle(name, 'total') / middle(CHILDREN[2], 'total'))} onnxruntime-node and sharp (goal 2)`);
