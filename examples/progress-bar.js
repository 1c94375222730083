// A bar for long work, with the time that is left: Score-CAM over a folder.
//
//   node examples/progress-bar.js [FOLDER] [OUT] [METHOD] [MODEL]     (the bundled pictures, maps, score-cam, the bundled model)
//
// Of a single picture, `explain(picture, { method: 'score-cam', onProgress })` counts the runs of the network.
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'onnx-cam';

const asset = name => fileURLToPath(new URL(`../assets/${name}`, import.meta.url));
const [folder = asset('pictures'), out = 'maps', method = 'score-cam', model = asset('efficientnet-lite0.onnx')] =
  process.argv.slice(2);

const cam = await load(model);
const start = performance.now();
let written = 0;
for await (const { input, result, error } of cam.stream(folder, { method, onProgress: show })) {
  if (error) process.stderr.write(`\r${input}: ${error.message}\n`);
  else written++;
  await result?.toFile(join(out, `${basename(input)}.jpg`)); // makes the folder
}
await cam.dispose();
console.log(`${written} maps in ${out}`);

function show({ done, total }) {
  if (!process.stderr.isTTY) return; // in a file or a pipe a bar is litter
  const bar = '█'.repeat(Math.round((40 * done) / total)).padEnd(40, '·');
  const seconds = Math.ceil(((performance.now() - start) / 1000 / done) * (total - done));
  process.stderr.write(`\r${bar} ${done} of ${total}, ${seconds} s left ${done === total ? '\n' : ''}`);
}
