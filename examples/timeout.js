// An explanation that may take so long and no longer: the costly method if there is time for it, else a cheap one.
//
//   node examples/timeout.js [MILLISECONDS] [METHOD] [PICTURE] [MODEL]           (500, rise, the bundled cat and model)
import { fileURLToPath } from 'node:url';
import { load } from 'onnx-cam';

const asset = name => fileURLToPath(new URL(`../assets/${name}`, import.meta.url));
const [
  milliseconds = 500,
  method = 'rise',
  picture = asset('pictures/cat.png'),
  model = asset('efficientnet-lite0.onnx'),
] = process.argv.slice(2);

const cam = await load(model);
const start = performance.now();
let result;
try {
  result = await cam.explain(picture, { method, signal: AbortSignal.timeout(Number(milliseconds)) });
} catch (error) {
  // Its cause is the signal's reason: a TimeoutError here, whatever was given to abort() elsewhere.
  if (error.code !== 'ERR_ABORTED') throw error;
  console.log(`${method}: ${error.cause.name} after ${Math.round(performance.now() - start)} ms`);
  result = await cam.explain(picture, { method: 'grad-cam' });
}
await cam.dispose();
console.log(`${result.method}: ${result.target.label}, ${result.runs.network} runs of the network`);
