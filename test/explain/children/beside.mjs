// onnxruntime-node in the same process, imported first or second: its logits are the scores of our targets.
import { readFileSync } from 'node:fs';
import { image } from './image.mjs';

const [, , model, order] = process.argv;
const official = async () => {
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(readFileSync(model));
  return async () => [...(await session.run({ x: new ort.Tensor('float32', image.data, image.dims) })).y.data];
};
const ours = async () => {
  const { load } = await import('../../../dist/index.js');
  const cam = await load(model);
  return async () => {
    const results = await cam.explain(image, { target: 'top5' });
    return results.sort((a, b) => a.target.index - b.target.index).map(({ target }) => target.score);
  };
};
const makers = order === 'first' ? [official, ours] : [ours, official];
const runners = [];
for (const make of makers) runners.push(await make());
const [a, b, c] = await Promise.all([runners[0](), runners[1](), runners[0]()]);
const agree = a.every((value, i) => Math.abs(value - b[i]) < 1e-5 && Math.abs(value - c[i]) < 1e-5);
console.log(agree ? 'agree' : `${a} / ${b} / ${c}`);
