/**
 * Score-CAM, Ablation-CAM, Grad-CAM and Eigen-CAM on a GPU beside the network's own forward passes, and Grad-CAM's throughput.
 *
 * `npm run build`, then `node bench/cuda/methods.js MODEL [--precision fp16,tf32,fp32] [--nhwc] [--batches 64,128,256]
 * [--rounds 10] [--picture FILE]`. MODEL: bench/cuda/export_models.py makes one. Times are medians of rounds taken in turn;
 * "forward" is `predict` of the same tensor. Forward passes with pictures that are on the device already, beside which
 * Score-CAM is to be judged: bench/cuda/native.cpp.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Session } from '../../build/modules/engine/session.js';
import { load } from '../../build/modules/index.js';
import { pictureTensor } from '../support/picture-tensor.js';
import { inTurn, median, ms, pairedRatio, printHead, printTable, ratio } from '../support/report.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    precision: { type: 'string', default: 'fp16,tf32,fp32' },
    nhwc: { type: 'boolean', default: false },
    batches: { type: 'string', default: '64,128,256' },
    rounds: { type: 'string', default: '10' },
    picture: { type: 'string' },
  },
});
const [model] = positionals;
if (!model) throw new Error('give an ONNX file: python bench/cuda/export_models.py FOLDER makes one');
const rounds = { rounds: Number(values.rounds), warmups: 3 };
const image = pictureTensor(1);

printHead(`CUDA, ${model}${values.nhwc ? ', prefer_nhwc' : ''}`);
for (const precision of values.precision.split(',')) {
  const options = { prefer_nhwc: values.nhwc ? 1 : 0 };
  const cam = await load(model, {
    precision,
    executionProviders: [{ name: 'cuda', options }],
    preprocess: { size: [224, 224] },
  });
  const explain = (method, more = {}) => cam.explain(image, { method, target: 7, ...more });
  const single = await inTurn(
    {
      forward: () => cam.predict(image),
      gradCam: () => explain('grad-cam'),
      eigenCam: () => explain('eigen-cam'),
      ablationCam: () => explain('ablation-cam', { params: { mode: 'zero' } }),
    },
    { ...rounds, rounds: 10 * rounds.rounds },
  );
  printTable(
    [`${precision}, one image`, 'ms', 'to forward'],
    Object.keys(single).map(name => [name, ms(median(single[name])), ratio(pairedRatio(single, name, 'forward'))]),
  );

  const rows = [];
  for (const batchSize of values.batches.split(',').map(Number)) {
    const params = { dedupe: false };
    const times = await inTurn({ scoreCam: () => explain('score-cam', { batchSize, params }) }, rounds);
    const { runs } = await explain('score-cam', { batchSize, params });
    rows.push([batchSize, ms(median(times.scoreCam)), runs.network - 1]);
  }
  printTable([`${precision}, Score-CAM, batch`, 'ms', 'passes'], rows);

  const plain = await Session.create(await readFile(model), {
    executionProviders: [{ name: 'cuda', options }],
  });
  const many = pictureTensor(64);
  const throughput = await inTurn(
    {
      model: () => plain.run({ [plain.inputs[0].name]: many }, [plain.outputs[0].name]),
      gradCam: () => cam.explain(many, { method: 'grad-cam', target: 7, batchSize: 64 }),
      ...(values.picture && {
        decoded: () => cam.explain(new Array(64).fill(values.picture), { method: 'grad-cam', target: 7, batchSize: 64 }),
      }),
    },
    rounds,
  );
  printTable(
    [`${precision}, batches of 64`, 'images/s'],
    Object.entries(throughput).map(([name, all]) => [name, (64_000 / median(all)).toFixed(0)]),
  );
  await Promise.all([cam.dispose(), plain.dispose()]);
}
