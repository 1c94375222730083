// The pictures of docs/report.md: the report, an evaluation's page and the page of `onnx-cam serve`, of the bundled model on the bundled
// pictures. `npm run build` first; needs Chromium (CHROMIUM names another one than Debian's).
//   node scripts/make-report-pictures.js
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { launchChromium } from './support/chromium.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const command = join(root, 'dist/cli/main.js');
const [model, pictures] = ['assets/efficientnet-lite0.onnx', 'assets/pictures'].map(path => join(root, path));
const scratch = mkdtempSync(join(tmpdir(), 'onnx-cam-pages-'));
const browser = await launchChromium();

try {
  const run = (...args) => execFileSync(process.execPath, [command, ...args], { cwd: scratch, stdio: 'ignore' });
  run('explain', model, pictures, '-m', 'grad-cam,layer-cam,eigen-cam', '-t', 'top2', '--report', '-o', 'explained');
  run(
    'evaluate',
    model,
    pictures,
    '-m',
    'grad-cam,layer-cam',
    '--metric',
    'deletion,insertion,road',
    '-o',
    'evaluated',
  );
  const page = name => pathToFileURL(join(scratch, name, 'index.html')).href;
  await shoot('photo', `${page('explained')}#view=photo&photo=1&box=true&contour=true`, { width: 1280, height: 960 });
  await shoot('compare', `${page('explained')}#view=compare&photo=0&otherMaker=2`, {
    width: 1280,
    height: 960,
    theme: 'dark',
  });
  await shoot('summary', `${page('evaluated')}#view=summary`, { width: 768, height: 700 });
  await shoot('phone', `${page('explained')}#view=photo&photo=2`, { width: 360, height: 720, theme: 'dark' });
  await shootServer();
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true, force: true });
}

async function shootServer() {
  const server = spawn(process.execPath, [command, 'serve', model, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const address = await new Promise(resolve => {
    let said = '';
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', text => {
        said += text;
        const found = /http:\S+/.exec(said);
        if (found) resolve(found[0]);
      });
  });
  await shoot('serve', address, { width: 1280, height: 900 }, async page => {
    await page.setInputFiles('input[type=file]', [join(pictures, 'cat.png'), join(pictures, 'coffee.jpg')]);
    await page.waitForSelector('.inspector[data-drawn=true]');
  });
  server.kill('SIGINT');
  await once(server, 'exit');
}

async function shoot(name, address, { width, height, theme = 'light' }, act = async () => {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
  const page = await context.newPage();
  await page.goto(address);
  await act(page);
  // What comes into view is drawn in the next frames.
  await page.waitForTimeout(1000);
  const file = join(root, 'docs/pictures', `page-${name}.webp`);
  const { size } = await sharp(await page.screenshot())
    .webp({ quality: 82 })
    .toFile(file);
  console.log(`${file}: ${Math.round(size / 1000)} kB`);
  await context.close();
}
