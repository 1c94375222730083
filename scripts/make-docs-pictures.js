// Makes docs/pictures from the bundled model and pictures: `npm run build && node scripts/make-docs-pictures.js`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
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

const out = mkdtempSync(join(tmpdir(), 'onnx-cam-pictures-'));
try {
  const shown = ['-m', 'grad-cam,layer-cam,eigen-cam,refine-cam', '--sheet'];
  const given = ['assets/efficientnet-lite0.onnx', 'assets/pictures'].map(path);
  execFileSync(process.execPath, [path('dist/cli/main.js'), 'explain', ...given, ...shown, '-o', out], {
    stdio: 'ignore',
  });
  // A palette: a third of the size.
  await sharp(join(out, 'contact-sheet.png'))
    .png({ palette: true, colours: 256, effort: 10 })
    .toFile(path('docs/pictures/contact-sheet.png'));
} finally {
  rmSync(out, { recursive: true });
}
