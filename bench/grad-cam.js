/**
 * What does Grad-CAM cost beside a plain forward pass, and beside the Python tools?
 *
 * `npm run build`, then `node bench/grad-cam.js [--quick] [--python PATH]`. With a Python that has the requirements of
 * bench/peers, pytorch-grad-cam and torchcam are measured in the same run (their own process, the same threads).
 * Load, decoding and preprocessing are done before; both sides get the same tensor.
 */
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { load } from '../build/modules/index.js';
import { Session } from '../build/modules/engine/session.js';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { modelBytes, pictureTensor } from './support/models.js';
import { runPeers } from './support/peers.js';
import { inTurn, median, ms, pairedRatio, printHead, printTable, ratio } from './support/report.js';

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, python: { type: 'string' } } });
const threads = physicalCores();
const MODELS = { 'efficientnet-lite0': 'efficientnet-lite0', resnet50: 'resnet50-legacy-17' };

printHead('Grad-CAM against one forward pass', { threads });
const ours = new Map();
const rows = [];
for (const [name, file] of Object.entries(MODELS)) {
  const bytes = await modelBytes(file);
  const options = { intraOpNumThreads: threads };
  const cam = await load(bytes, { ...options, preprocess: { size: [224, 224] } });
  const plain = await Session.create(bytes, options);
  const input = plain.inputs[0].name;
  const output = plain.outputs[0].name;
  const peer = await ort.InferenceSession.create(bytes, options);
  for (const batch of [1, 8]) {
    const images = pictureTensor(batch);
    const feed = { [input]: new ort.Tensor('float32', images.data, images.dims) };
    // Single pictures after as many calls as a pipeline makes in its first second: until then V8 still compiles.
    const rounds = { rounds: values.quick ? 10 : batch === 1 ? 200 : 30, warmups: values.quick || batch > 1 ? 5 : 300 };
    const times = await inTurn(
      {
        forward: () => plain.run({ [input]: images }, [output]),
        gradCam: () => cam.explain(images, { target: 7, batchSize: batch }),
      },
      rounds,
    );
    // By itself: its threads spin on after a run, into whatever comes next.
    const node = await inTurn({ node: () => peer.run(feed) }, rounds);
    ours.set(`${name} ${batch}`, median(times.gradCam));
    rows.push([
      name,
      batch,
      ms(median(times.forward)),
      ms(median(times.gradCam)),
      ratio(pairedRatio(times, 'gradCam', 'forward')),
      ms(median(node.node)),
    ]);
  }
  await Promise.all([cam.dispose(), plain.dispose(), peer.release()]);
}
printTable(['model', 'batch', 'forward ms', 'Grad-CAM ms', 'ratio', 'onnxruntime-node forward ms'], rows);

if (values.python) {
  const repeats = values.quick ? ['--repeats', '5', '--warmups', '2'] : [];
  const args = ['--models', Object.keys(MODELS).join(','), '--threads', String(threads), ...repeats];
  const records = runPeers(values.python, 'gradcam_peers.py', args);
  console.log();
  console.log(JSON.stringify(records[0]));
  printTable(
    ['model', 'batch', 'tool', 'ms', 'times ours'],
    records
      .filter(record => record.kind === 'grad-cam')
      .map(({ model, batch, tool, median_ms }) => [
        model,
        batch,
        tool,
        ms(median_ms),
        ratio(median_ms / ours.get(`${model} ${batch}`)),
      ]),
  );
}
