/**
 * How alike are the maps of a float model and of its quantised versions?
 *
 * `npm run build`, `python bench/quantised_models.py FOLDER`, then `node bench/quantised.js FOLDER`. EfficientNet-Lite0 with
 * its trained weights on the bundled pictures: the correlation of each method's map with the float model's for the same
 * class, mean and smallest over the pictures, at the last layer, in the middle and at the second block.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from '../dist/index.js';
import { correlation } from './support/correlation.js';
import { printHead, printTable } from './support/report.js';

const ASSETS = fileURLToPath(new URL('../assets', import.meta.url));
const FILES = ['qdq.onnx', 'qoperator.onnx', 'dynamic.onnx', 'float16.onnx'];
const AT_LAST = ['grad-cam', 'cam', 'grad-cam++', 'hirescam', 'layer-cam', 'xgrad-cam', 'eigen-cam', 'ablation-cam'];
const ELSEWHERE = ['grad-cam', 'hirescam', 'layer-cam', 'eigen-cam'];
const BLOCKS = { middle: '/blocks/blocks.9/Add_output_0', 'block 2': '/blocks/blocks.2/Add_output_0' };

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node bench/quantised.js FOLDER (made by bench/quantised_models.py)');
  process.exit(2);
}
const pictures = readdirSync(join(ASSETS, 'pictures')).map(name => join(ASSETS, 'pictures', name));
const reference = await load(join(ASSETS, 'efficientnet-lite0.onnx'));
const { preprocess } = JSON.parse(readFileSync(join(ASSETS, 'efficientnet-lite0.onnx.json'), 'utf8'));

printHead('Maps of quantised models against those of the float model');
const wanted = [
  ...AT_LAST.map(method => ({ at: 'last', method, layer: undefined })),
  ...Object.entries(BLOCKS).flatMap(([at, layer]) => ELSEWHERE.map(method => ({ at, method, layer }))),
];
const rows = wanted.map(({ at, method }) => [`${method}, ${at}`]);
const classes = [];
const expected = [];
for (const picture of pictures) {
  const { target } = await reference.explain(picture);
  classes.push(target.index);
  expected.push(await mapsOf(reference, picture, target.index));
}
for (const file of FILES) {
  const cam = await load(join(folder, file), { preprocess });
  const correlations = [];
  for (const [p, picture] of pictures.entries()) {
    const maps = await mapsOf(cam, picture, classes[p]);
    correlations.push(maps.map((map, i) => correlation(map, expected[p][i])));
  }
  rows.forEach((row, i) => {
    const values = correlations.map(own => own[i]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    row.push(`${mean.toFixed(3)} (${Math.min(...values).toFixed(3)})`);
  });
  await cam.dispose();
}
await reference.dispose();
printTable(['method, layer', ...FILES.map(file => basename(file, '.onnx'))], rows);

async function mapsOf(cam, picture, target) {
  const maps = [];
  for (const { method, layer } of wanted) maps.push((await cam.explain(picture, { method, layer, target })).map.data);
  return maps;
}
