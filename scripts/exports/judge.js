// Judges exported models as judge.py does, in onnxruntime-web (WebAssembly, one thread): lines of JSON in, lines of JSON out.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

const ARRAYS = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array };
const sessions = new Map();

process.stdout.write(`${JSON.stringify({ version: ort.env.versions.common })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await judge(JSON.parse(line));
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function judge({ model, plain, batch, answer, type, cases }) {
  let own = 0;
  let apart;
  const furthest = [];
  try {
    for (const { feeds, expected } of cases) {
      const found = await run(model, feeds);
      const inputs = Object.entries(feeds).filter(([name]) => name !== 'cam_class');
      const alone = await (batch === null ? run(plain, Object.fromEntries(inputs)) : oneBatch(plain, batch, inputs));
      const wanted = read(answer);
      apart ??= relative(Object.values(alone)[0].data.subarray(0, wanted.length), wanted);
      const names = [...Object.keys(alone), 'saliency_map'];
      if (Object.keys(found).join() !== names.join()) throw new Error(`outputs are ${Object.keys(found)}`);
      for (const [name, { data }] of Object.entries(alone))
        own = Math.max(own, relative(found[name].data.subarray(0, data.length), data));
      const map = found.saliency_map;
      if (map.type !== type || map.dims.join() !== expected.dims.join())
        throw new Error(`the map is ${map.type} [${map.dims}]`);
      furthest.push(difference(map.data, read(expected), type === 'uint8' ? 255 : 1));
    }
  } finally {
    await sessions.get(model)?.release();
    sessions.delete(model);
  }
  return { own, map: furthest, answer: apart };
}

/** The first images that a plain model of a fixed batch takes; where they are too few, from the start again. */
async function oneBatch(plain, batch, [[name, images], ...others]) {
  const { data, dims } = tensorOf(images);
  const size = (data.length / dims[0]) * batch;
  const rows = Float32Array.from({ length: size }, (_, i) => data[i % data.length]);
  const first = new ort.Tensor('float32', rows, [batch, ...dims.slice(1)]);
  const outputs = await run(plain, { [name]: first, ...Object.fromEntries(others) });
  const share = Math.min(dims[0], batch) / batch;
  return Object.fromEntries(
    Object.entries(outputs).map(([output, { data }]) => [output, { data: data.subarray(0, data.length * share) }]),
  );
}

/** Of the last plain model the session is kept. */
async function run(path, feeds) {
  if (!sessions.has(path)) {
    if (sessions.size > 1) {
      const [[first, session]] = sessions;
      await session.release();
      sessions.delete(first);
    }
    sessions.set(path, await ort.InferenceSession.create(new Uint8Array(readFileSync(path))));
  }
  const session = sessions.get(path);
  const outputs = await session.run(
    Object.fromEntries(Object.entries(feeds).map(([name, one]) => [name, tensorOf(one)])),
  );
  return Object.fromEntries(session.outputNames.map(name => [name, outputs[name]]));
}

function tensorOf(one) {
  return one.file === undefined ? one : new ort.Tensor(one.type, read(one), one.dims);
}

function read({ file, type }) {
  const bytes = readFileSync(file);
  return new ARRAYS[type](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function difference(found, expected, largest) {
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const one = Math.abs(found[i] / largest - expected[i]);
    if (!(one <= most)) most = one;
  }
  return most;
}

function relative(found, expected) {
  let [most, scale] = [0, 1e-3];
  for (let i = 0; i < expected.length; i++) {
    const one = Math.abs(Number(found[i]) - Number(expected[i]));
    if (!(one <= most)) most = one;
    scale = Math.max(scale, Math.abs(Number(expected[i])));
  }
  return most / scale;
}
