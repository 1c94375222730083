// Makes docs/pictures from the bundled model and pictures: `npm run build && node scripts/make-docs-pictures.js`.
import { load } from '../dist/index.js';
import { path, strip } from './support/strip.js';

const cam = await load(path('assets/efficientnet-lite0.onnx'));
const pictures = ['cat.png', 'coffee.jpg', 'rocket.jpg'].map(name => path(`assets/pictures/${name}`));
const results = await cam.explain(pictures);
await strip(await Promise.all(results.map(result => result.overlay())), 'docs/pictures/grad-cam.jpg');

const methods = ['grad-cam', 'layer-cam', 'score-cam', 'ablation-cam', 'eigen-cam', 'recipro-cam'];
const several = [];
for (const method of methods) several.push(await cam.explain(pictures[0], { method }));
await strip(await Promise.all(several.map(result => result.overlay())), 'docs/pictures/methods.jpg');
await cam.dispose();
