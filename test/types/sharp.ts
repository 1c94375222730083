/** Pictures to and from sharp, whose own declarations need TypeScript 5.7. */
import { type Explanation, load } from 'onnx-cam';
import sharp from 'sharp';

const cam = await load('model.onnx');
const { data, info } = await sharp('cat.jpg').raw().toBuffer({ resolveWithObject: true });
const explained = await cam.explain({ data, info });
const again: Explanation = await cam.explain(await sharp('cat.jpg').raw().toBuffer({ resolveWithObject: true }));
for (const picture of [await explained.overlay(), await explained.heatmap(), await explained.crop()])
  await sharp(picture.data, { raw: picture.info }).png().toBuffer();
const mask = await explained.mask();
await sharp(mask.data, { raw: mask.info }).toFile('mask.png');
console.log(again.status);
