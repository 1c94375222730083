// Makes docs/pictures/families from models of a zoo (bench/zoo), quantised models (bench/quantised_models.py) and the bundled
// one: `npm run build && node scripts/make-family-pictures.js --models FOLDER [--quantised FOLDER] [name …]`
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { Session } from '../build/modules/engine/session.js';
import { load } from '../build/modules/index.js';
import { readNpy } from '../build/modules/io/npy.js';
import { writeModel } from '../build/modules/model/file/write-model.js';
import { findCamHead } from '../build/modules/model/find/cam-head.js';
import { makeValueInfo } from '../build/modules/model/graph/value-info.js';
import { loadModel } from '../build/modules/model/load-model.js';
import { detection, segmentation, similarity } from '../build/modules/targets/index.js';
import { path, strip } from './support/strip.js';

const { values: options, positionals: wanted } = parseArgs({
  options: { models: { type: 'string' }, quantised: { type: 'string' } },
  allowPositionals: true,
});
const BUNDLED = path('assets/efficientnet-lite0.onnx');
const CAT = path('assets/pictures/cat.png');
mkdirSync(path('docs/pictures/families'), { recursive: true });

/** The model of an architecture, from whatever exporter. */
function zoo(architecture) {
  const file = readdirSync(options.models).find(name => name.startsWith(`${architecture}-`) && name.endsWith('.onnx'));
  if (!file) throw new Error(`${architecture} is not in ${options.models}`);
  return join(options.models, file);
}

/** Overlays of several calls on one model. */
async function overlays(model, image, calls, loadOptions) {
  const cam = await load(model, loadOptions);
  const pictures = [];
  for (const call of calls) pictures.push(await (await cam.explain(image, call)).overlay());
  await cam.dispose();
  return pictures;
}

async function ofSeveral(architectures, call) {
  const pictures = [];
  for (const name of architectures) pictures.push(...(await overlays(zoo(name), CAT, [call])));
  return pictures;
}

/** The pictures of a zoo model whose values are −1 to 1, as raw pictures. */
async function zooPictures(name) {
  const { data, dims } = await readNpy(join(options.models, `${name}.input.npy`));
  const [count, channels, height, width] = dims;
  return Array.from({ length: count }, (_, n) => {
    const pixels = new Uint8Array(width * height * channels);
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < width * height; i++)
        pixels[i * channels + c] = Math.round((data[(n * channels + c) * width * height + i] + 1) * 127.5);
    return { data: pixels, info: { width, height, channels } };
  });
}

/** The bundled network without its classifier: pooled features [N,1280]. */
async function tower() {
  const model = await loadModel(BUNDLED, { createSession: (bytes, session) => Session.create(bytes, session) });
  if (!findCamHead(model.graph, model.facts, model.chosen, model.logits)) throw new Error('no linear classifier');
  const graph = model.graph.clone();
  const classifier = graph.nodes.findLast(({ op }) => op === 'Gemm' || op === 'MatMul');
  graph.outputs.length = 0;
  graph.outputs.push(makeValueInfo(classifier.inputs[0], 'float32', ['N', model.chosen.channels]));
  return writeModel(graph);
}

const FAMILIES = {
  cnn: async () => {
    const [upright, turned] = await zooPictures('ppocr_direction');
    const at = image => overlays(zoo('ppocr_direction'), image, [{ method: 'grad-cam' }], { preprocess: 'inception' });
    return [...(await at(upright)), ...(await at(turned))];
  },
  mobile: () =>
    overlays(BUNDLED, CAT, [
      { method: 'grad-cam' },
      { method: 'layer-cam', layer: 'stages' },
      { method: 'relevance-cam' },
    ]),
  transformers: () =>
    overlays(
      zoo('deit_tiny-dynamo'),
      CAT,
      ['grad-cam', 'attention-rollout', 'generic-attention', 'legrad'].map(method => ({ method })),
    ),
  'swin-and-hierarchical': () => ofSeveral(['swin_t', 'pvt_v2_b0', 'swin_v2_t'], { method: 'layer-cam' }),
  hybrids: () => ofSeveral(['mobilevit_xxs', 'levit_128s', 'coatnet_nano'], { method: 'layer-cam' }),
  mixers: () => ofSeveral(['mixer_s32', 'poolformer_s12'], { method: 'layer-cam' }),
  embeddings: async () => {
    const size = { width: 300, height: 300, fit: 'cover' };
    const [cat, coffee] = await Promise.all(
      [CAT, path('assets/pictures/coffee.jpg')].map(file => sharp(file).resize(size).flop().removeAlpha().toBuffer()),
    );
    const canvas = sharp({ create: { width: 600, height: 300, channels: 3, background: 'white' } });
    const both = await canvas
      .composite([
        { input: coffee, left: 0, top: 0 },
        { input: cat, left: 300, top: 0 },
      ])
      .png()
      .toBuffer();
    const { preprocess } = JSON.parse(readFileSync(`${BUNDLED}.json`, 'utf8'));
    const targets = [CAT, path('assets/pictures/coffee.jpg')].map(file => ({ target: similarity(file) }));
    return overlays(await tower(), both, targets, { preprocess });
  },
  segmentation: async () => {
    const [picture] = await zooPictures('ppocr_detection');
    const calls = ['grad-cam', 'layer-cam'].map(method => ({ method, target: segmentation({ classIndex: 0 }) }));
    const load = {
      preprocess: { mean: 0.5, std: 0.5, scale: 1 / 255, size: [picture.info.width, picture.info.height] },
    };
    return [picture, ...(await overlays(zoo('ppocr_detection'), picture, calls, load))];
  },
  quantised: async () => {
    if (!options.quantised) throw new Error('--quantised FOLDER: where bench/quantised_models.py wrote its models');
    const { preprocess } = JSON.parse(readFileSync(`${BUNDLED}.json`, 'utf8'));
    const pictures = [];
    for (const model of [BUNDLED, join(options.quantised, 'qdq.onnx')])
      pictures.push(...(await overlays(model, CAT, [{ method: 'grad-cam', target: 285 }], { preprocess })));
    return pictures;
  },
  detection: async () => {
    const preprocess = { mean: 0, std: 1, fit: 'letterbox' };
    const cam = await load(path('test/golden/detection/yolov8.onnx'), { preprocess });
    const pictures = [];
    for (const method of ['grad-cam', 'hirescam', 'd-rise']) {
      const result = await cam.explain(CAT, { method, target: detection({ classIndex: 1 }) });
      pictures.push(await framed(await result.overlay(), result.target.box));
    }
    await cam.dispose();
    return pictures;
  },
  volumes: async () => {
    const model = gunzipSync(readFileSync(path('test/golden/volumes/volumes-dynamo.onnx.gz')));
    const { image, dims } = JSON.parse(readFileSync(path('test/golden/volumes/golden.json'), 'utf8')).networks.volumes;
    const cam = await load(model);
    const values = dims.slice(1).reduce((product, size) => product * size, 1);
    const tensor = { type: 'float32', data: Float32Array.from(image).slice(0, values), dims: [1, ...dims.slice(1)] };
    const result = await cam.explain(tensor, { method: 'hirescam' });
    const pictures = [];
    for (const slice of [0, 2, 4]) pictures.push(await result.overlay({ slice }));
    for (const axis of ['height', 'width']) pictures.push(await result.overlay({ axis }));
    await cam.dispose();
    return pictures;
  },
};

/** A picture with a frame around a box [x, y, width, height]. */
async function framed({ data, info }, [x, y, width, height]) {
  const frame = `<svg width="${info.width}" height="${info.height}"><rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none" stroke="white" stroke-width="3"/></svg>`;
  const drawn = sharp(data, { raw: info })
    .composite([{ input: Buffer.from(frame) }])
    .removeAlpha();
  const { data: pixels, info: size } = await drawn.raw().toBuffer({ resolveWithObject: true });
  return { data: pixels, info: { width: size.width, height: size.height, channels: size.channels } };
}

for (const name of wanted.length > 0 ? wanted : Object.keys(FAMILIES)) {
  await strip(await FAMILIES[name](), `docs/pictures/families/${name}.jpg`, name === 'cnn' ? 80 : 200);
  console.log(name);
}
