// scripts/try-exports FOLDER --python PATH [--old-python PATH] [--only NAME,…] [--methods NAME,…] [--runtimes NAME,…] [--all] [--write FILE]
//
// Are exported models what they say, and do other runtimes compute the maps of `explain`? Every .onnx file of a folder (make_models.py
// makes one) × every method that exports × targets × sizes: ONNX' own checker and shape inference, then maps and the model's own
// outputs in ONNX Runtime of two versions, onnxruntime-web and OpenVINO, for one image and for several with different classes.
// Prints a table of the largest differences, and what failed. Where a map differs by more than TOLERANCE, `explain` is asked for
// images that differ by rounding errors: if its own map moves as well, the case is listed as ill-conditioned, not as failed.
//
// The Python has onnx, onnxruntime and openvino (PyPI), the old one onnxruntime 1.18. `npm run build` before. Exit 1 if something fails.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { printTable } from '../../bench/support/report.js';
import { caseName } from './cases.js';
import { startJudges } from './judges.js';
import { openSubject } from './subject.js';

const TOLERANCE = 1e-5;
/** Of the model's own outputs, relative to the largest: runtimes fuse other nodes together where more is read. */
const OWN_TOLERANCE = 1e-5;
/** Of a plain model's answer from this package's: a runtime that is further apart computes something else (int8 kernels, half precision). */
const SAME_ANSWER = 1e-3;
/** How much more than from images changed by rounding errors a map may differ, whose rounding errors come from every layer. */
const ROUNDINGS = 10;

const list = { type: 'string' };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: list,
    'old-python': list,
    only: list,
    methods: list,
    runtimes: list,
    all: { type: 'boolean' },
    write: list,
  },
});
const [folder] = positionals;
if (!folder || !values.python) throw new Error('name a folder with ONNX models, and a --python');
const chosen = (option, name) => values[option] === undefined || values[option].split(',').includes(name);

const scratch = mkdtempSync(join(tmpdir(), 'onnx-cam-exports-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const started = await startJudges({ current: values.python, old: values['old-python'] });
const judges = started.filter(({ kind }) => kind === 'check' || chosen('runtimes', kind));
const files = readdirSync(folder).filter(name => name.endsWith('.onnx') && chosen('only', basename(name, '.onnx')));
const rows = [];
const [conditions, refusals, others, unknown] = [[], [], [], []];
const failures = {
  lines: [],
  /** Shown at once, for whoever waits, and again at the end. */
  push(line) {
    this.lines.push(line);
    console.error(`FAILED ${line}`);
  },
};
for (const file of files.sort()) {
  const subject = await openSubject(resolve(folder, file), scratch);
  const worst = Object.fromEntries(judges.map(({ kind }) => [kind, { map: 0, own: 0 }]));
  let count = 0;
  for (const one of subject.cases(values.all).filter(({ method }) => chosen('methods', method))) {
    const label = `${subject.name}: ${caseName(one)}`;
    const { request, tried, refusal } = await subject.request(one);
    if (refusal) {
      refusals.push(`${label}: ${refusal}`);
      continue;
    }
    count++;
    const answers = await Promise.all(judges.map(judge => judge.ask(request)));
    for (const [i, answer] of answers.entries())
      await weigh(subject, one, judges[i].kind, answer, { label, worst, tried });
    subject.done(request);
  }
  const cell = ({ kind }) =>
    kind === 'check' ? '' : `${worst[kind].map.toExponential(0)} (${worst[kind].own.toExponential(0)})`;
  rows.push([subject.name, count, ...judges.filter(({ kind }) => kind !== 'check').map(cell)]);
  console.error(rows.at(-1).join('  '));
  await subject.close();
}
for (const { stop } of started) stop();

printTable(['model', 'exports', ...judges.filter(({ kind }) => kind !== 'check').map(({ name }) => name)], rows);
printList('ill-conditioned', conditions);
printList('runtimes that compute the plain model otherwise', others);
printList('sizes that ONNX cannot infer', summary(unknown));
printList('refused', summary(refusals));
printList('FAILED', failures.lines);
if (values.write)
  writeFileSync(
    values.write,
    JSON.stringify({ rows, conditions, others, unknown, refusals, failures: failures.lines }, null, 1),
  );
process.exitCode = failures.lines.length > 0 ? 1 : 0;

/** What a judge's answer means: a failure, a map that is ill-conditioned, or a number of the table. */
async function weigh(subject, one, kind, answer, { label, worst, tried }) {
  const of = worst[kind];
  if (answer.error) return void failures.push(`${label}: ${kind}: ${answer.error.slice(0, 400)}`);
  if (answer.unknown?.length > 0) unknown.push(`${label}: declares [${answer.declared}]`);
  if (answer.answer > SAME_ANSWER) {
    const most = Math.max(...answer.map).toExponential(1);
    return void others.push(
      `${label}: ${kind}: the plain model's answer by ${answer.answer.toExponential(1)}, maps by ${most}`,
    );
  }
  of.own = Math.max(of.own, answer.own);
  if (answer.own > OWN_TOLERANCE)
    failures.push(`${label}: ${kind}: the model's own outputs differ by ${answer.own.toExponential(1)}`);
  const tolerance = one.uint8 ? 0.5 / 255 + TOLERANCE : TOLERANCE;
  for (const [i, difference] of answer.map.entries()) {
    if (difference <= tolerance) {
      if (!one.uint8) of.map = Math.max(of.map, difference);
      continue;
    }
    const moved = await subject.moved(one, tried[i]);
    const text = `${label}: ${kind}: ${tried[i].images.dims[0]} images differ by ${difference.toExponential(1)}, explain by ${moved.toExponential(1)}`;
    (difference <= ROUNDINGS * moved ? conditions : failures).push(text);
  }
}

/** The same reason for several cases once. */
function summary(lines) {
  const reasons = new Map();
  for (const line of lines) {
    const [name, of, ...reason] = line.split(': ');
    const key = `${name}: ${of.split(' ')[0]}: ${reason.join(': ')}`;
    reasons.set(key, (reasons.get(key) ?? 0) + 1);
  }
  return [...reasons].map(([line, count]) => `${line} (${count})`);
}

function printList(title, lines) {
  console.log(`\n${title}: ${lines.length}`);
  for (const line of lines) console.log(`  ${line}`);
}
