// What scripts/try-platforms.sh runs in a folder where the packed package is installed:
//   node try-maps.mjs OUT      explains the bundled pictures, by name and as tensors made by sharp
// Writes maps as bytes of float32 and OUT/report.json: console output gets lost under wine.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { load } from 'onnx-cam';

const out = process.argv[2];
const assets = join(dirname(createRequire(import.meta.url).resolve('onnx-cam/package.json')), 'assets');
// Few runs of the network: under qemu each takes seconds.
const METHODS = {
  'grad-cam': {},
  'grad-cam++': {},
  'layer-cam': {},
  'eigen-cam': {},
  'score-cam': { topK: 4 },
  rise: { n: 4 },
};
const SIDE = 224;
mkdirSync(out, { recursive: true });

function write(name, data) {
  writeFileSync(join(out, name), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

async function pictureTensor(file) {
  const { default: sharp } = await import('sharp');
  const raw = await sharp(join(assets, 'pictures', file))
    .resize(SIDE, SIDE, { fit: 'fill' })
    .removeAlpha()
    .raw()
    .toBuffer();
  return Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
    const channel = Math.floor(i / (SIDE * SIDE));
    return (raw[(i % (SIDE * SIDE)) * 3 + channel] - 127) / 128;
  });
}

const cam = await load(join(assets, 'efficientnet-lite0.onnx'));
const report = { node: process.version, platform: `${process.platform}-${process.arch}`, maps: 0 };
for (const file of readdirSync(join(assets, 'pictures')).filter(name => /\.(jpe?g|png|webp)$/.test(name))) {
  const data = await pictureTensor(file);
  const inputs = {
    tensor: { type: 'float32', data, dims: [1, 3, SIDE, SIDE] },
    picture: join(assets, 'pictures', file),
  };
  for (const [kind, input] of Object.entries(inputs)) {
    for (const [method, params] of Object.entries(kind === 'tensor' ? METHODS : { 'grad-cam': {} })) {
      const explanation = await cam.explain(input, { method, params });
      write(`${file}.${kind}.${method}.map.f32`, explanation.map.data);
      write(`${file}.${kind}.${method}.raw.f32`, explanation.raw.data);
      report.maps++;
    }
  }
}
await cam.dispose();
writeFileSync(join(out, 'report.json'), JSON.stringify(report));
