/**
 * How large is a report, and what does writing it take? `onnx-cam explain` of so many photographs by ten methods, then `onnx-cam report`
 * of its folder: sizes, times beside explaining, and each process' peak memory. `npm run build`, then
 * `node bench/report-size.js [FOLDER] [--photos 10,100,300,1000] [--max-size 1024]`.
 *
 * FOLDER holds photographs (the bundled ones without); they are repeated as often as needed, each time another part of them.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { BUNDLED, CAT, COFFEE, ROCKET } from './support/models.js';
import { seededRandom } from './support/random.js';
import { printHead, printTable } from './support/report.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    photos: { type: 'string', default: '10,100,300,1000' },
    'max-size': { type: 'string', default: '1024' },
  },
});
const METHODS = [
  'cam', 'grad-cam', 'grad-cam++', 'hirescam', 'grad-cam-elementwise', 'xgrad-cam', 'layer-cam', 'eigen-grad-cam', 'eigen-cam', 'fem',
];
const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** Says the peak of the resident set when the process ends. */
const TELL_PEAK = `data:text/javascript,process.on('exit',()=>process.stderr.write('peak '+process.resourceUsage().maxRSS+'\\n'))`;

const sources = positionals[0] ? await photographsOf(positionals[0]) : [CAT, COFFEE, ROCKET];
const rows = [];
for (const count of flags.photos.split(',').map(Number)) rows.push(await measure(count));
const title = `A report of ${sources.length} photographs, repeated, by ${METHODS.length} methods of EfficientNet-Lite0`;
printHead(`${title}; maps of at most ${flags['max-size']} pixels`);
printTable(
  ['photographs', 'index.html', 'photographs', 'maps', 'explain', 'peak', 'report', 'a photograph', 'peak'],
  rows,
);

async function photographsOf(folder) {
  const names = await readdir(folder);
  return names.filter(name => ['.jpg', '.jpeg', '.png'].includes(extname(name).toLowerCase())).sort().map(name => join(folder, name));
}

async function measure(count) {
  const folder = await mkdtemp(join(tmpdir(), 'onnx-cam-report-size-'));
  try {
    await writePhotographs(folder, count);
    const out = join(folder, 'out');
    const how = ['-m', METHODS.join(), '--save', 'map', '--max-size', flags['max-size']];
    const explained = await run(['explain', BUNDLED, folder, ...how, '-o', out]);
    const reported = await run(['report', out]);
    const { size } = await stat(join(out, 'index.html'));
    const { pictures, maps } = partsOf(join(out, 'index.html'));
    const mb = bytes => `${(bytes / 1e6).toFixed(2)} MB`;
    const seconds = ({ ms }) => `${(ms / 1000).toFixed(1)} s`;
    return [
      count,
      mb(size),
      mb(pictures),
      mb(maps),
      seconds(explained),
      `${explained.peak} MB`,
      seconds(reported),
      `${(reported.ms / count).toFixed(0)} ms`,
      `${reported.peak} MB`,
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** JPEGs, all different: nine tenths of each side at least, every second one mirrored. */
async function writePhotographs(folder, count) {
  const next = seededRandom(1);
  for (let i = 0; i < count; i++) {
    const source = sharp(sources[i % sources.length]).rotate().removeAlpha();
    const { autoOrient } = await source.metadata();
    const share = 0.9 + 0.1 * next();
    const part = { width: Math.floor(autoOrient.width * share), height: Math.floor(autoOrient.height * share) };
    const left = Math.floor((autoOrient.width - part.width) * next());
    const top = Math.floor((autoOrient.height - part.height) * next());
    const cut = source.extract({ left, top, ...part });
    await (i % 2 ? cut.flop() : cut).jpeg({ quality: 90 }).toFile(join(folder, `photo-${String(i).padStart(5, '0')}.jpg`));
  }
}

/** Milliseconds of a command, and its peak memory in MB. @throws for one that fails */
async function run(argv) {
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', TELL_PEAK, COMMAND, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.on('data', text => {
    told = (told + text).slice(-4000);
  });
  const code = await new Promise(resolve => child.on('close', resolve));
  if (code !== 0) throw new Error(`onnx-cam ${argv[0]} ended with ${code}: ${told}`);
  return { ms: performance.now() - start, peak: Math.round(Number(/peak (\d+)/.exec(told)[1]) / 1024) };
}

/** Characters of the page that are pictures, and those that are maps. */
function partsOf(path) {
  const html = readFileSync(path, 'utf8');
  let [pictures, maps] = [0, 0];
  for (const [, json] of html.matchAll(/<script type="application\/json" id="photos-\d+">(.*)<\/script>/g))
    for (const { picture, maps: own } of JSON.parse(json)) {
      pictures += picture.data.length;
      maps += JSON.stringify(own).length;
    }
  return { pictures, maps };
}
