import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { load } from 'onnx-cam';

const root = dirname(createRequire(import.meta.url).resolve('onnx-cam/package.json'));
const cam = await load(join(root, 'assets/efficientnet-lite0.onnx'));
const { map, target } = await cam.explain(join(root, 'assets/pictures/cat.png'));
await cam.dispose();
console.log(`${target.label}, ${map.width} x ${map.height}`);
