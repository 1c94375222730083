/**
 * What does Ablation-CAM cost when only the tail is run, or nothing is, and what in pytorch-grad-cam?
 * `npm run build`, then `node bench/ablation-cam.js [--quick] [--python PATH]`.
 */
import { parseArgs } from 'node:util';
import { load } from '../build/modules/index.js';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { CAT, modelBytes } from './support/models.js';
import { printScorePeers } from './support/peers.js';
import { inTurn, median, ms, printHead, printTable, ratio } from './support/report.js';
import { peerTensor } from './support/scoring.js';

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, python: { type: 'string' } } });
const threads = physicalCores();
const MODELS = { resnet18: 'resnet18-legacy-17', 'efficientnet-lite0': 'efficientnet-lite0' };
/** The cat; the seeded network has classes that mean nothing. */
const CLASSES = { resnet18: 0, 'efficientnet-lite0': 285 };
const explain = { method: 'ablation-cam', convention: 'pytorch-grad-cam' };

printHead('Ablation-CAM, all channels, one picture (cat)', { threads });
const image = await peerTensor(CAT);
const ours = new Map();
const rows = [];
for (const [name, file] of Object.entries(MODELS)) {
  const cam = await load(await modelBytes(file), { intraOpNumThreads: threads, preprocess: { size: [224, 224] } });
  const settings = {
    // A global average and a linear layer follow: the scores are affine in the activations.
    'logit (closed form)': { ...explain, target: CLASSES[name] },
    // The probability is not, so that the tail is run for every channel that holds anything.
    'probability (tail runs)': {
      ...explain,
      target: { kind: 'view', view: 'probability', of: { kind: 'class', index: CLASSES[name] } },
    },
    'Grad-CAM': { target: CLASSES[name] },
  };
  const times = await inTurn(
    Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, () => cam.explain(image, setting)])),
    { rounds: values.quick ? 5 : 40, warmups: 3 },
  );
  ours.set(name, median(times['logit (closed form)']));
  for (const [key, setting] of Object.entries(settings)) {
    const { runs } = await cam.explain(image, setting);
    rows.push([name, key, ms(median(times[key])), runs.tail, runs.saved]);
  }
  await cam.dispose();
}
printTable(['model', 'score', 'ms', 'tail runs', 'saved'], rows);

if (values.python) {
  console.log();
  printScorePeers(values.python, 'ablation-cam', { threads, quick: values.quick, ours });
}
