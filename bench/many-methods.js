/**
 * What do ten methods cost from one run, beside a plain forward pass?
 * `npm run build`, then `node bench/many-methods.js [--quick]`.
 */
import { load } from '../build/modules/index.js';
import { Session } from '../build/modules/engine/session.js';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { modelBytes, pictureTensor } from './support/models.js';
import { inTurn, median, ms, pairedRatio, printHead, printTable, ratio } from './support/report.js';

const METHODS = [
  'cam',
  'grad-cam',
  'grad-cam++',
  'hirescam',
  'grad-cam-elementwise',
  'xgrad-cam',
  'layer-cam',
  'eigen-cam',
  'eigen-grad-cam',
  'fem',
];
const threads = physicalCores();
printHead(`Ten methods from one run: ${METHODS.join(', ')}`, { threads });
const rows = [];
for (const [name, file] of Object.entries({ 'efficientnet-lite0': 'efficientnet-lite0', resnet50: 'resnet50-legacy-17' })) {
  const bytes = await modelBytes(file);
  const cam = await load(bytes, { intraOpNumThreads: threads, preprocess: { size: [224, 224] } });
  const plain = await Session.create(bytes, { intraOpNumThreads: threads });
  const [input, output] = [plain.inputs[0].name, plain.outputs[0].name];
  const images = pictureTensor(1);
  const times = await inTurn(
    {
      forward: () => plain.run({ [input]: images }, [output]),
      ten: () => cam.explain(images, { target: 7, methods: METHODS }),
      kpca: () => cam.explain(images, { target: 7, methods: [...METHODS, 'kpca-cam'] }),
    },
    { rounds: process.argv.includes('--quick') ? 10 : 60, warmups: 30 },
  );
  rows.push([
    name,
    ms(median(times.forward)),
    ms(median(times.ten)),
    ratio(pairedRatio(times, 'ten', 'forward')),
    ratio(pairedRatio(times, 'kpca', 'forward')),
  ]);
  await Promise.all([cam.dispose(), plain.dispose()]);
}
printTable(['model', 'forward ms', 'ten methods ms', 'ratio', 'with KPCA-CAM'], rows);
