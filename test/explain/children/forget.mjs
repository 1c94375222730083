import { load } from '../../../dist/index.js';
import { image } from './image.mjs';

const cam = await load(process.argv[2]);
await cam.explain(image);
console.log('done');
