/**
 * What do techniques cost beside the runs that they need, and beside the Python tools?
 *
 * `npm run build`, then `node bench/techniques.js [--quick] [--models a,b] [--python PATH]`. On Grad-CAM of one picture at 224 × 224. The second
 * column counts runs; those alone are the same number of pictures as one array, which run side by side as the inputs of a technique
 * do. Where inputs have other sizes (multi-scale, CAMERAS) the runs alone are arrays of pictures of these sizes. With a Python that has
 * the requirements of bench/peers: aug_smooth and SESS of pytorch-grad-cam, NoiseTunnel of captum (25 copies).
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { load } from '../build/modules/index.js';
import { CAT, modelBytes } from './support/models.js';
import { runPeers } from './support/peers.js';
import { inTurn, median, ms, pairedRatio, printHead, printTable, ratio } from './support/report.js';
import { peerTensor } from './support/scoring.js';

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, models: { type: 'string' }, python: { type: 'string' } },
});
const threads = physicalCores();
const ALL = { 'efficientnet-lite0': 'efficientnet-lite0', resnet50: 'resnet50-legacy-17' };
const asked = values.models?.split(',') ?? Object.keys(ALL);
const MODELS = Object.fromEntries(Object.entries(ALL).filter(([name]) => asked.includes(name)));
/** Names as bench/peers has them. */
const PEER_MODELS = { 'efficientnet-lite0-folded': 'efficientnet-lite0', resnet50: 'resnet50' };
const TECHNIQUES = ['smooth-grad', 'augmentation', 'multi-scale', 'sess', 'cameras', 'jitter-cam', 'augmented-grad-cam'];

/** Sides of the inputs, where they are not all the picture's. */
const SIDES = {
  'multi-scale': [224, 224, 112, 112, 336, 336, 448, 448],
  cameras: [224, 324, 424, 524, 624, 724, 824, 924],
};

printHead('Techniques on Grad-CAM, one picture, 224 × 224', { threads });
const rows = [];
const ours = new Map();
for (const [name, model] of Object.entries(MODELS)) {
  const cam = await load(await freeSized(model), { intraOpNumThreads: threads });
  const image = await peerTensor(CAT);
  const options = { target: 7, mapSize: 'input' };
  for (const technique of TECHNIQUES) {
    if (values.quick && name === 'resnet50' && technique === 'cameras') continue;
    const { runs } = await cam.explain(image, { ...options, technique });
    const images = SIDES[technique]?.map(side => ofSide(image, side)) ?? new Array(runs.network).fill(image);
    const tasks = {
      technique: () => cam.explain(image, { ...options, technique }),
      alone: () => cam.explain(images, options),
    };
    const times = await inTurn(tasks, { rounds: values.quick ? 3 : 7, warmups: 1 });
    ours.set(`${name} ${technique}`, median(times.technique));
    const [whole, alone] = [times.technique, times.alone].map(median);
    rows.push([name, technique, runs.network, ms(whole), ms(alone), ratio(pairedRatio(times, 'technique', 'alone'))]);
  }
  await cam.dispose();
}
printTable(['model', 'technique', 'runs', 'ms', 'the runs alone ms', 'ratio'], rows);

if (values.python) {
  const repeats = values.quick ? ['--repeats', '2'] : ['--repeats', '8'];
  const models = Object.keys(PEER_MODELS)
    .filter(name => PEER_MODELS[name] in MODELS)
    .join(',');
  const records = runPeers(values.python, 'technique_peers.py', ['--models', models, '--threads', `${threads}`, ...repeats]);
  console.log();
  console.log(JSON.stringify(records[0]));
  printTable(
    ['model', 'technique', 'tool', 'ms', 'times ours'],
    records
      .filter(({ kind }) => kind === 'technique')
      .map(({ model, technique, tool, median_ms }) => {
        const own = ours.get(`${PEER_MODELS[model]} ${technique}`);
        return [model, technique, tool, ms(median_ms), ratio(median_ms / own)];
      }),
  );
}

/** The model with a dynamic height and width, which multi-scale and CAMERAS need. */
async function freeSized(model) {
  const helper = fileURLToPath(new URL('../test/helpers/free-size.ts', import.meta.url));
  const { module } = await runnerImport(helper);
  return module.freeSize(await modelBytes(model));
}

/** The picture's values, repeated or cut, at another size: what is in it costs nothing. */
function ofSide({ data, dims }, side) {
  const [, channels, height, width] = dims;
  const pixels = new Float32Array(channels * side * side);
  for (let i = 0; i < pixels.length; i++) {
    const [c, y, x] = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side];
    pixels[i] = data[(c * height + (y % height)) * width + (x % width)];
  }
  return { type: 'float32', data: pixels, dims: [1, channels, side, side] };
}
