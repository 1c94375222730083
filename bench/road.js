/**
 * What do ROAD's 18 imputations of a picture cost (the most relevant 90 … 10 % removed, then the least relevant)?
 *
 * `npm run build`, then `node bench/road.js [--quick] [--python PATH]`. The picture is the bundled cat, 224 × 224; maps: a
 * smooth one (7 × 7, enlarged), blobs (28 × 28), and noise, which scatters the pixels. With a Python that has the requirements
 * of bench/peers, pytorch-grad-cam imputes the same masks in the same run, and values are compared. Beside it: the order of a
 * map's pixels.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { imputePixels } from '../build/modules/kernels/impute-pixels.js';
import { resize, setKernelThreads } from '../build/modules/kernels/index.js';
import { orderPixels } from '../build/modules/kernels/pixel-order.js';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { CAT } from './support/models.js';
import { runPeers } from './support/peers.js';
import { seededRandom } from './support/random.js';
import { inTurn, median, ms, printHead, printTable, ratio } from './support/report.js';
import { peerTensor } from './support/scoring.js';

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, python: { type: 'string' } } });
const SIZE = 224;
const PIXELS = SIZE * SIZE;
const threads = physicalCores();
const random = seededRandom();
const shape = { channels: 3, height: SIZE, width: SIZE, channelsLast: false };
const ranges = [10, 20, 30, 40, 50, 60, 70, 80, 90].flatMap(percent => {
  const removed = Math.round((PIXELS * (100 - percent)) / 100);
  return [
    [0, removed],
    [PIXELS - removed, PIXELS],
  ];
});

async function mapOf(side) {
  const data = Float32Array.from({ length: side * side }, random);
  const options = { width: SIZE, height: SIZE, interpolation: 'bilinear' };
  return (await resize({ data, dims: [1, side, side] }, options)).data;
}

printHead('ROAD: 18 imputations of a 224 × 224 picture with three channels', { threads });
const { data: image } = await peerTensor(CAT);
const maps = { smooth: await mapOf(7), blobs: await mapOf(28), noise: await mapOf(SIZE) };
const rounds = values.quick ? 3 : 15;
const rows = [];
const filled = {};
const orders = {};
for (const [name, map] of Object.entries(maps)) {
  orders[name] = await orderPixels(map);
  const impute = count => () => {
    setKernelThreads(count);
    return imputePixels(image, shape, orders[name], ranges);
  };
  const tasks = { order: () => orderPixels(map), one: impute(1), all: impute(threads) };
  const times = await inTurn(tasks, { rounds, warmups: 2 });
  filled[name] = await imputePixels(image, shape, orders[name], ranges);
  rows.push([name, ms(median(times.order)), ms(median(times.one)), ms(median(times.all))]);
}
printTable(['map', 'order ms', '18 imputations, one thread ms', `${threads} threads ms`], rows);

if (values.python) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-road-'));
  try {
    writeFileSync(join(folder, 'image.f32'), image);
    for (const name of Object.keys(maps)) {
      writeFileSync(join(folder, `${name}.u32`), orders[name]);
      writeFileSync(join(folder, `${name}.f32`), Buffer.concat(filled[name].map(bytesOf)));
    }
    const asked = { shape: [3, SIZE, SIZE], maps: Object.keys(maps), ranges };
    writeFileSync(join(folder, 'road.json'), JSON.stringify(asked));
    const records = runPeers(values.python, 'road_peers.py', [folder, '--threads', `${threads}`]);
    console.log(JSON.stringify(records[0]));
    printTable(
      ['map', 'pytorch-grad-cam ms', 'times ours', 'largest difference'],
      records
        .filter(({ kind }) => kind === 'road')
        .map(({ map, median_ms, difference }) => {
          const ours = Number(rows.find(([name]) => name === map)[3]);
          return [map, ms(median_ms), ratio(median_ms / ours), difference.toExponential(1)];
        }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function bytesOf({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
