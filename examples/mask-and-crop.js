// What speaks for a class, cut out of the picture at full size.
//
//   node examples/mask-and-crop.js [OUT] [PICTURE] [TARGET] [MODEL]      (cut, the bundled cat, top1, the bundled model)
//
// Writes OUT/mask.png (255 inside), OUT/crop.jpg, OUT/cutout.png (transparent outside), OUT/overlay.jpg (box and outline).
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'onnx-cam';
import sharp from 'sharp';

const asset = name => fileURLToPath(new URL(`../assets/${name}`, import.meta.url));
const [out = 'cut', picture = asset('pictures/cat.png'), name = 'top1', model = asset('efficientnet-lite0.onnx')] =
  process.argv.slice(2);
const target = /^\d+$/.test(name) ? Number(name) : name;
const threshold = { ofMax: 0.3 };

const cam = await load(model);
const result = await cam.explain(picture, { method: 'layer-cam', target });
await cam.dispose();
if (result.status !== 'ok') throw new Error(`the map is ${result.status}: ${result.reason}`);

await mkdir(out, { recursive: true });
const [box] = await result.boxes({ threshold });
const mask = await result.mask({ threshold });
const crop = await result.crop({ box, margin: '10%' });
const whole = await result.crop({ box: [0, 0, mask.info.width, mask.info.height] }); // upright RGB, as the mask lies on it
const open = ({ data, info }) => sharp(data, { raw: info });
await open(mask).toColourspace('b-w').toFile(join(out, 'mask.png'));
await open(crop).toFile(join(out, 'crop.jpg'));
await open(whole).joinChannel(mask.data, { raw: mask.info }).toFile(join(out, 'cutout.png'));
await result.toFile(join(out, 'overlay.jpg'), { boxes: [box], contours: { threshold } });
console.log(
  `${result.target.label}: ${box.width} x ${box.height} at ${box.x}, ${box.y}; ${Math.round(box.area)} pixels`,
);
