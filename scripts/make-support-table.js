// Runs every method on every model of a zoo (bench/zoo) and writes docs/models.md:
//   npm run build && node scripts/make-support-table.js --models FOLDER [--only NAME] [--again] [--table-only]
// The last section is made of bench/zoo/real/results.json; --real renews it alone and needs no FOLDER.
// Each model runs in a process of its own. Results go to FOLDER/results/LABEL.json as they are made, and only what is not
// there yet is measured: methods added later, models exported later, models exported again.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { listMethods } from '../dist/index.js';
import { supportPage } from './support/page.js';
import { REAL_TITLE, realSection } from './support/real-section.js';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string' },
    only: { type: 'string' },
    again: { type: 'boolean', default: false },
    'table-only': { type: 'boolean', default: false },
    real: { type: 'boolean', default: false },
  },
});

const read = path => JSON.parse(readFileSync(path, 'utf8'));
const page = new URL('../docs/models.md', import.meta.url);
const real = realSection(read(new URL('../bench/zoo/real/results.json', import.meta.url)));
if (options.real) {
  const [exported] = readFileSync(page, 'utf8').split(`\n${REAL_TITLE}\n`);
  writeFileSync(page, `${exported.trimEnd()}\n\n${real}`);
  process.exit();
}
if (!options.models) throw new Error('--models FOLDER: where bench/zoo wrote the models');

const script = fileURLToPath(new URL('support/measure-model.js', import.meta.url));
const results = join(options.models, 'results');
mkdirSync(results, { recursive: true });
const names = listMethods().map(({ name }) => name);
const labels = readdirSync(options.models)
  .filter(name => name.endsWith('.onnx') && existsSync(join(options.models, name.replace(/\.onnx$/, '.json'))))
  .map(name => name.slice(0, -'.onnx'.length))
  .sort();

function measure(label) {
  const [model, file] = [join(options.models, `${label}.onnx`), join(results, `${label}.json`)];
  const current = existsSync(file) && statSync(file).mtimeMs > statSync(model).mtimeMs && !options.again;
  const known = current ? read(file) : undefined;
  const missing = names.filter(name => !known?.methods?.[name]);
  if (known && missing.length === 0) return;
  const output = execFileSync(process.execPath, [script, model, JSON.stringify(missing)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  const found = JSON.parse(output);
  writeFileSync(file, `${JSON.stringify({ ...found, methods: { ...known?.methods, ...found.methods } })}\n`);
  const works = Object.values(found.methods ?? {}).filter(({ status }) => status).length;
  const errors = Object.values(found.gradients).map(one => one?.error?.toExponential(0) ?? one);
  console.log(
    `${label}: ${found.error?.message ?? `${works} of ${missing.length} methods`}, gradients ${errors.join(' ')}`,
  );
}

if (!options['table-only'])
  for (const label of labels.filter(label => label.startsWith(options.only ?? '')))
    try {
      measure(label);
    } catch (problem) {
      console.log(`${label}: ${problem.message.split('\n')[0]}`);
    }

const measured = labels.filter(label => existsSync(join(results, `${label}.json`)));
const models = measured.map(label => {
  const { architecture, family, exporter, opset, real } = read(join(options.models, `${label}.json`));
  return { architecture, family, exporter, opset, real, ...read(join(results, `${label}.json`)) };
});
writeFileSync(page, `${supportPage(models, names)}\n${real}`);
