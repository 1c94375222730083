// Measures models of a zoo (bench/zoo), keeps what was found in bench/zoo/results.json, and writes docs/models.md from that file
// and from bench/zoo/real/results.json:
//   npm run build && node scripts/make-support-table.js --models FOLDER [--missing] [ARCHITECTURE ...]
// Of the models in the folder those named (all without names; --missing: those without a row) get new rows; other rows stay as
// they are, each with the day on which it was measured. Without --models the page alone is written.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { listMethods } from '../dist/index.js';
import { supportPage } from './support/page.js';
import { realSection } from './support/real-section.js';

const { values: options, positionals: wanted } = parseArgs({
  options: { models: { type: 'string' }, missing: { type: 'boolean', default: false } },
  allowPositionals: true,
});

/** What one of each family is tried with: one method of each way of computing a map. */
const REPRESENTATIVE = [
  'grad-cam',
  'layer-cam',
  'relevance-cam',
  'lift-cam',
  'shapley-cam',
  'fullgrad',
  'guided-backprop',
  'score-cam',
  'ablation-cam',
  'recipro-cam',
  'rise',
  'eigen-cam',
  'generic-attention',
];

const read = path => JSON.parse(readFileSync(path, 'utf8'));
const file = new URL('../bench/zoo/results.json', import.meta.url);
const results = read(file);
const names = listMethods().map(({ name }) => name);

/** A line for each model, so that a change shows what was measured again. */
function keep() {
  const rows = Object.entries(results).sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = rows.map(([label, row]) => `${JSON.stringify(label)}: ${JSON.stringify(row)}`);
  writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
}

function measure(about, label) {
  const script = fileURLToPath(new URL('support/measure-model.js', import.meta.url));
  const methods = JSON.stringify(about.module ? REPRESENTATIVE : names);
  const output = execFileSync(process.execPath, [script, join(options.models, `${label}.onnx`), methods], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(output);
}

function row(label) {
  const { architecture, family, module, exporter, opset, real, refused } = read(join(options.models, `${label}.json`));
  const about = { architecture, family, module, exporter, opset, real: real || undefined };
  const measured = new Date().toISOString().slice(0, 10);
  return { ...about, measured, ...(refused ? { refused } : measure(about, label)) };
}

/** Models with golden values beside them, and notes of what an exporter refused. */
function labelsIn(folder) {
  const labels = readdirSync(folder)
    .filter(name => name.endsWith('.refused.json') || (name.endsWith('.json') && existsSync(join(folder, model(name)))))
    .map(name => name.slice(0, -'.json'.length));
  const asked = label => wanted.length === 0 || wanted.includes(read(join(folder, `${label}.json`)).architecture);
  return labels.filter(label => asked(label) && !(options.missing && results[label])).sort();
}

const model = name => name.replace(/\.json$/, '.onnx');

for (const label of options.models ? labelsIn(options.models) : [])
  try {
    results[label] = row(label);
    keep();
    const { error, refused, layers, methods } = results[label];
    const found = layers?.map(({ operator, shape }) => `[${shape}] ${operator}`).join(' + ');
    console.log(`${label}: ${refused ?? error?.message ?? `${found}, ${methods.ok?.length ?? 0} methods`}`);
  } catch (problem) {
    console.log(`${label}: ${problem.message.split('\n')[0]}`);
  }

const real = realSection(read(new URL('../bench/zoo/real/results.json', import.meta.url)));
const page = supportPage(Object.values(results), names, REPRESENTATIVE);
writeFileSync(new URL('../docs/models.md', import.meta.url), `${page}\n${real}`);
