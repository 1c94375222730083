/**
 * What does Score-CAM cost with `scoringPrecision: 'int8'` beside the float one, and how near are its maps?
 *
 * `npm run build`, then `node bench/int8.js [--quick]`. Both are run in turn in one process; ratios are medians of ratios round
 * by round, of processor time, which other programs disturb less than they do the clock. EfficientNet-Lite0 has its trained
 * weights, ResNet-50 seeded ones, whose scores masks hardly move: its maps may be made anew in float, which the column says.
 */
import { parseArgs } from 'node:util';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { load } from '../build/modules/index.js';
import { correlation } from './support/correlation.js';
import { CAT, COFFEE, modelBytes, ROCKET } from './support/models.js';
import { cpuTime, inTurn, median, ms, pairedRatio, printHead, printTable, ratio } from './support/report.js';

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } });
const threads = physicalCores();
const CASES = [
  ['efficientnet-lite0', 'efficientnet-lite0', { method: 'score-cam' }],
  ['efficientnet-lite0', 'efficientnet-lite0', { method: 'score-cam', convention: 'pytorch-grad-cam' }],
  ['efficientnet-lite0', 'efficientnet-lite0', { method: 'rise', params: { n: 1000 } }],
  ['resnet50 (seeded)', 'resnet50-legacy-17', { method: 'score-cam', params: { topK: values.quick ? 256 : 1024 } }],
];

printHead('Score-CAM and RISE on an int8 version of the model', { threads });
const rows = [];
for (const [name, file, options] of CASES) {
  const bytes = await modelBytes(file);
  const setting = { intraOpNumThreads: threads, preprocess: { size: [224, 224] } };
  const [float, int8] = [await load(bytes, setting), await load(bytes, { ...setting, scoringPrecision: 'int8' })];
  for (const picture of values.quick ? [CAT] : [CAT, COFFEE, ROCKET]) {
    const times = await inTurn(
      { float: () => float.explain(picture, options), int8: () => int8.explain(picture, options) },
      { rounds: values.quick ? 1 : 3, warmups: 1, clock: cpuTime },
    );
    const [a, b] = [await float.explain(picture, options), await int8.explain(picture, options)];
    rows.push([
      `${name}, ${options.method}${options.convention ? ` ${options.convention}` : ''}, ${picture.split('/').at(-1)}`,
      b.runs.network,
      ms(median(times.float)),
      ms(median(times.int8)),
      ratio(pairedRatio(times, 'int8', 'float')),
      correlation(a.map.data, b.map.data).toFixed(4),
      b.precision,
      b.cleanScoreMoved === null ? '' : b.cleanScoreMoved.toFixed(3),
    ]);
  }
  await Promise.all([float.dispose(), int8.dispose()]);
}
printTable(['model, method, picture', 'runs', 'float CPU ms', 'int8 CPU ms', 'ratio', 'correlation', 'runs in', 'clean score moved'], rows);
