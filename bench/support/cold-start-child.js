// One process of bench/cold-start.js: prints what its first map, or forward pass, took, as JSON.
import { BUNDLED, COFFEE } from './paths.js';

const [, , which] = process.argv;
const start = performance.now();
const marks = [];
const mark = () => marks.push(performance.now());

if (which === 'onnxruntime-node and sharp') {
  const [{ default: sharp }, ort] = await Promise.all([import('sharp'), import('onnxruntime-node')]);
  mark();
  const session = await ort.InferenceSession.create(BUNDLED);
  mark();
  const { data } = await sharp(COFFEE).resize(224, 224, { fit: 'fill' }).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const floats = new Float32Array(data.length);
  for (let i = 0; i < 224 * 224; i++) for (let c = 0; c < 3; c++) floats[c * 224 * 224 + i] = (data[3 * i + c] - 127) / 128;
  await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', floats, [1, 3, 224, 224]) });
} else {
  const { load } = await import('../../dist/index.js');
  mark();
  const cam = await load(BUNDLED);
  mark();
  const tensor = { type: 'float32', data: new Float32Array(3 * 224 * 224).fill(0.1), dims: [1, 3, 224, 224] };
  await cam.explain(which === 'onnx-cam' ? COFFEE : tensor);
}
mark();
const [imported, loaded, done] = marks;
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({ start, imports: imported - start, load: loaded - imported, first: done - loaded, total: done, cpu: (user + system) / 1000 }),
);
