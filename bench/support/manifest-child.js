/**
 * Run by bench/manifest.js as a process of its own: `onnx-cam explain` with a model that answers at once and results that write no
 * files, so that what is left is the list of inputs, the manifest and what is said. Prints, in MB, what is held before the first result
 * and after the last one, and the peaks of the resident set until then.
 *
 *   node --expose-gc manifest-child.js FOLDER COUNT TEMPLATE anew|on
 */
import { readFileSync } from 'node:fs';
import { Console } from '../../build/modules/cli/console.js';
import { ExplainReporter } from '../../build/modules/cli/explain-reporter.js';
import { runExplain } from '../../build/modules/cli/explain-run.js';
import { expandInputs } from '../../build/modules/cli/inputs.js';

const [out, count, template, going] = process.argv.slice(2);
const fields = JSON.parse(readFileSync(template, 'utf8'));
const peak = () => Math.round(process.resourceUsage().maxRSS / 1024);

function held() {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return Math.round((heapUsed + external) / 2 ** 20);
}

/** As `--inputs-from` gives them. */
function* names() {
  for (let i = 0; i < Number(count); i++) yield `photos/${String(i).padStart(7, '0')}.jpg`;
}
const inputs = await expandInputs([], { listed: names(), out });
const listed = { held: held(), peak: peak() };

const model = {
  explain: async () => [{ ...fields, toJSON: () => fields }],
  sha256: async () => 'f'.repeat(64),
  concurrency: 4,
  dispose: async () => {},
};
const console = new Console(process.stdout, process.stderr);
const start = performance.now();
const code = await runExplain(
  { console, library: async () => ({ load: async () => model }), signal: new AbortController().signal },
  {
    model: 'model.onnx',
    request: {
      load: {},
      explain: {},
      chooseMethods: () => ['grad-cam'],
      save: { kinds: [] },
      recorded: async () => ({ save: [] }),
    },
    inputs,
    going,
    out,
    report: false,
    sheet: false,
    progress: true,
  },
  new ExplainReporter(console, { folder: out, json: false, debug: false }),
);
const ms = performance.now() - start;
process.stdout.write(`${JSON.stringify({ ms, listed, held: held(), peak: peak(), inputs: inputs.length })}\n`);
process.exitCode = code;
