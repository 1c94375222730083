// onnxruntime-node in the same process, imported before or after the engine: both give the same numbers.
import { createSession, modelBytes, runAdd } from './engine.mjs';

const first = process.argv[2] === 'first';
const official = async () => {
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(modelBytes('add'));
  return async () => {
    const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(10, 20, 30, 40), [4]) });
    return [...y.data].join();
  };
};
const engine = async () => {
  const session = await createSession('add');
  return async () => [...(await runAdd(session))].join();
};
const makers = first ? [official, engine] : [engine, official];
const runners = [];
for (const make of makers) runners.push(await make());
console.log((await Promise.all([...runners, ...runners].map(runner => runner()))).join(' '));
