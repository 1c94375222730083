// Writes docs/leaderboard.md: every method that runs on the bundled model, judged over photographs.
// `npm run build`, `python3 scripts/leaderboard/collect-photos.py FOLDER`, then
// `node scripts/make-leaderboard.js FOLDER [--limit 30] [--out EVALUATION]`. Goes on where it was interrupted.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { listMethods, load } from '../dist/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { limit: { type: 'string', default: '30' }, out: { type: 'string', default: 'onnx-cam-leaderboard' } },
});
const [folder] = positionals;
if (!folder) throw new Error('give the folder of photographs');
const root = fileURLToPath(new URL('..', import.meta.url));

/** Methods that repeat the network for every channel or mask do it less often: the table says so. */
const FEWER = {
  'score-cam': { topK: 64 },
  'ss-cam': { n: 4, topK: 16 },
  'is-cam': { n: 4, topK: 16 },
  'group-cam': { topK: 64 },
  'ablation-cam': { topK: 64 },
  'poly-cam': { topK: 32 },
  'fd-cam': { topK: 64 },
  'opti-cam': { n: 20 },
  rise: { n: 500 },
};

const METRICS = [
  'average-drop',
  'average-increase',
  'average-gain',
  'deletion',
  'insertion',
  'road',
  'complexity',
  'adcc',
  'sparseness',
];

const pictures = JSON.parse(readFileSync(join(folder, 'pictures.json'), 'utf8'));
const names = (Array.isArray(pictures) ? pictures : pictures.pictures).map(({ name }) => name);
const paths = names.toSorted().slice(0, Number(values.limit)).map(name => join(folder, name));

const cam = await load(join(root, 'assets/efficientnet-lite0.onnx'));
const all = listMethods().map(({ name }) => name);
const refused = cam.unsupported(all);
const methods = all
  .filter(name => !refused.has(name))
  .map(method => (FEWER[method] ? { method, params: FEWER[method] } : method));
const started = performance.now();
const run = cam.evaluate(paths, {
  methods,
  metrics: METRICS,
  folder: values.out,
  resume: true,
  onProgress: ({ done, total }) => console.error(`${done} of ${total} pictures, ${((performance.now() - started) / 60_000).toFixed(1)} min`),
});
const summary = await run.summary();
await run.save(values.out);
await run.dispose();
await cam.dispose();
writeFileSync(join(root, 'docs/leaderboard.md'), page(summary));

function page({ images, failed, metrics, comparisons, provenance }) {
  const makers = [...new Map(metrics.map(entry => [key(entry), entry])).values()];
  const rows = makers.map(maker => METRICS.map(metric => metrics.find(e => e.metric === metric && key(e) === key(maker))));
  // Of the metrics that judge, not those that describe; every method has a rank in each.
  const judged = ['average-gain', 'deletion', 'insertion', 'road', 'adcc'].map(metric => METRICS.indexOf(metric));
  const meanRank = row => {
    const ranks = judged.map(at => row[at]?.rank).filter(rank => rank != null);
    return ranks.length === judged.length ? ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length : null;
  };
  const order = makers
    .map((maker, i) => ({ maker, row: rows[i], rank: meanRank(rows[i]) }))
    .sort((a, b) => Number(a.maker.control) - Number(b.maker.control) || (a.rank ?? 99) - (b.rank ?? 99));
  const directions = METRICS.map(metric => metrics.find(entry => entry.metric === metric).direction);
  const best = METRICS.map((_, at) => {
    const shown = order.filter(({ maker, row }) => !maker.control && row[at]?.mean != null).map(({ row }) => row[at].mean);
    return directions[at] === 'higher' ? Math.max(...shown) : Math.min(...shown);
  });
  const cell = (entry, at) => {
    if (entry?.mean == null) return '–';
    const number = value => value.toFixed(3).replace(/^(-?)0\./, '$1.');
    const text = `${number(entry.mean)} <sub>[${entry.ci95?.map(number).join(', ') ?? ''}]</sub>${entry.n < images ? ` (${entry.n})` : ''}`;
    return !entry.control && entry.mean === best[at] ? `**${text}**` : text;
  };
  const fewer = maker => (FEWER[maker.method] ? ` <sub>${Object.entries(FEWER[maker.method]).map(([name, value]) => `${name} ${value}`).join(', ')}</sub>` : '');
  const table = [
    `| | ${METRICS.map((metric, at) => `${metric} ${directions[at] === 'higher' ? '↑' : '↓'}`).join(' | ')} | mean rank |`,
    `|---|${METRICS.map(() => '---|').join('')}---|`,
    ...order.map(({ maker, row, rank }) => `| ${maker.control ? `*${maker.method}*` : maker.method}${fewer(maker)} | ${row.map(cell).join(' | ')} | ${maker.control || rank === null ? '' : rank.toFixed(1)} |`),
  ];
  return readFileSync(join(root, 'scripts/leaderboard/page.md'), 'utf8')
    .replace('{{table}}', table.join('\n'))
    .replace('{{beaten}}', againstRandom(comparisons))
    .replace('{{count}}', String(images))
    .replace('{{failed}}', String(failed))
    .replace('{{methods}}', String(methods.length))
    .replace('{{refused}}', [...refused.keys()].join(', ') || 'none')
    .replace('{{provenance}}', provenanceText(provenance));
}

/** How often each method beats random maps, and where the difference is more than chance. */
function againstRandom(comparisons) {
  const shown = ['average-drop', 'deletion', 'insertion', 'road'];
  const found = new Map();
  for (const { metric, a, b, wins, losses, n, pHolm } of comparisons) {
    const first = b.method === 'random';
    if (!shown.includes(metric) || (!first && a.method !== 'random')) continue;
    const method = first ? a : b;
    if (['centre', 'constant'].includes(method.method)) continue;
    const row = found.get(key(method)) ?? { method, cells: {} };
    row.cells[metric] = `${Math.round((100 * (first ? wins : losses)) / n)} %${pHolm < 0.05 ? '' : ' ns'}`;
    found.set(key(method), row);
  }
  return [
    `| better than random maps on | ${shown.join(' | ')} |`,
    `|---|${shown.map(() => '---|').join('')}`,
    ...[...found.values()].map(({ method, cells }) => `| ${method.method} | ${shown.map(metric => cells[metric] ?? '–').join(' | ')} |`),
  ].join('\n');
}

function provenanceText({ versions, model, images, target, convention, seed, bootstrap, preprocess }) {
  return [
    `onnx-cam ${versions['onnx-cam']}, ONNX Runtime ${versions.onnxruntime}, Node ${versions.node}, ${cpus()[0].model.trim()}`,
    `model SHA-256 \`${model.sha256}\``,
    `${images.given} pictures, squeezed to ${preprocess.size.join(' × ')}; class: ${target}; convention: ${convention}; seed ${seed}`,
    'scores are probabilities; removed pixels are the mean colour (insertion starts from a blur, ROAD imputes without noise)',
    `intervals: bootstrap over pictures, ${bootstrap.resamples} resamples, ${bootstrap.interval}`,
  ]
    .map(line => `- ${line}`)
    .join('\n');
}

function key({ method, layer, params }) {
  return JSON.stringify([method, layer, params]);
}
