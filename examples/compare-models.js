// Do two models look at the same things? For each picture: what either predicts, and how alike their maps of one class are.
//
//   node examples/compare-models.js MODEL OTHER PICTURE...        an export and its quantised version, two checkpoints
//   node examples/compare-models.js                               the bundled model, and itself in half precision
import { fileURLToPath } from 'node:url';
import { correlation, load } from 'onnx-cam';

const asset = name => fileURLToPath(new URL(`../assets/${name}`, import.meta.url));
const [model = asset('efficientnet-lite0.onnx'), other, ...given] = process.argv.slice(2);
const pictures =
  given.length > 0 ? given : ['cat.png', 'coffee.jpg', 'rocket.jpg'].map(name => asset(`pictures/${name}`));

const a = await load(model);
const b = other ? await load(other) : await load(model, { precision: 'fp16' });
let least = 1;
for (const picture of pictures) {
  const one = await a.explain(picture);
  const two = await b.explain(picture, { target: one.target.index }); // of the same class, whatever it would predict itself
  const alike = await correlation(one, two);
  console.log(picture);
  console.log(`  predicts: ${shown(one.predictions[0])} | ${shown(two.predictions[0])}`);
  console.log(`  maps of ${one.target.label ?? one.target.index} correlate by ${alike?.toFixed(3)}`);
  for (const { status, reason } of [one, two]) if (status !== 'ok') console.log(`  a map is ${status}: ${reason}`);
  least = Math.min(least, alike ?? 0);
}
await Promise.all([a.dispose(), b.dispose()]);
console.log(least < 0.9 ? 'the models look at different things' : 'the models look at the same things');
process.exitCode = least < 0.9 ? 1 : 0;

function shown({ index, label, probability }) {
  return `${label ?? index}${probability === null ? '' : ` ${(100 * probability).toFixed(1)} %`}`;
}
