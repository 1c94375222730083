import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runChild } from './limits.js';

/** How many mutants of which seed, from which number on, and where findings are kept. */
export function mutantOptions() {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '300' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      out: { type: 'string', default: 'fuzz-out' },
    },
  });
  const [count, seed, first] = [values.count, values.seed, values.from].map(Number);
  return { count, seed, first, out: values.out };
}

export const scriptOf = name => fileURLToPath(new URL(`${name}.js`, import.meta.url));

/**
 * Tries mutants in processes that many share; what is wrong there is tried again in one of its own.
 * @param range what {@link mutantOptions} gives
 * @param limits `cpuSeconds` that a mutant may take to be right; `alone` and `together`, where a process is ended in any case; `shared`, so
 * many in one
 * @param child a script that takes SEED FROM TO FOLDER and prints `> INDEX` before each, `< INDEX OUTCOME` behind it, and perhaps `! OUTCOME`
 * @param findingOf what an outcome is wrong by, if it is
 * @param onRight called with each outcome that is right
 * @param onWrong called with each mutant that is wrong alone: { index, what, died, outcome, scratch }
 * @param findings kinds of findings so far, for the progress
 */
export async function runMutants({ count, seed, first }, { limits, child, findingOf, onRight, onWrong, findings }) {
  const scratch = mkdtempSync(join(tmpdir(), 'onnx-cam-fuzz-'));
  const started = Date.now();
  const isRight = outcome => findingOf(outcome) === undefined && outcome.seconds < limits.cpuSeconds;

  /** @returns those to be tried alone, and the number after the last that was tried */
  async function tryRow(from, to) {
    const suspects = [];
    let last = from;
    let running = true;
    const died = await runChild(child, [seed, from, to, scratch], limits.together, line => {
      const { mark, index, outcome } = parse(line);
      last = index ?? last;
      running = mark !== '<';
      if (!outcome || running) return;
      if (isRight(outcome)) onRight(outcome);
      else suspects.push(last);
    });
    if (!died) return { suspects, next: to };
    if (running) suspects.push(last);
    return { suspects, next: last + 1 };
  }

  async function confirm(index) {
    let outcome;
    const died = await runChild(child, [seed, index, index + 1, scratch], limits.alone, line => {
      outcome = parse(line).outcome ?? outcome;
    });
    if (!died && isRight(outcome)) return onRight(outcome);
    const what = (outcome && findingOf(outcome)) ?? died ?? `${limits.cpuSeconds} CPU seconds and more`;
    await onWrong({ index, what, died, outcome, scratch });
  }

  for (let next = first; next < first + count; ) {
    const row = await tryRow(next, Math.min(next + limits.shared, first + count));
    for (const index of row.suspects) await confirm(index);
    next = row.next;
    const rate = ((next - first) / (Date.now() - started)) * 1000;
    process.stderr.write(
      `${next - first} of ${count} mutants, ${rate.toFixed(1)} a second, ${findings.size} findings\n`,
    );
  }
  rmSync(scratch, { recursive: true });
}

function parse(line) {
  const [mark, index, ...rest] = line.split(' ');
  if (mark === '!') return { mark, outcome: JSON.parse(line.slice(2)) };
  return { mark, index: Number(index), outcome: rest.length > 0 ? JSON.parse(rest.join(' ')) : undefined };
}

/** One more of a kind of finding. */
export function count(found, what, index) {
  found.set(what, [...(found.get(what) ?? []), index]);
}

/** What was found, and the first mutants of each kind. */
export function list(found) {
  for (const [what, indices] of [...found].sort(([, a], [, b]) => b.length - a.length))
    console.log(`  ${indices.length} × ${what} [${indices.slice(0, 8).join(', ')}${indices.length > 8 ? ', …' : ''}]`);
}
