/**
 * How fast a report is there in a browser: from the navigation to the first paint, to all thumbnails in view drawn, and the frames
 * while a person scrolls through all of them. Run `npm run build` first, then `node bench/report-page.js [--photos 10,100,300,1000]
 * [--runs 3]`; CHROMIUM names the browser.
 *
 * Made-up photographs as the tests have them, with twelve maps each. Every run is a browser of its own; the table has medians.
 */
import { rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';
import { launchChromium } from '../scripts/support/chromium.js';
import { median, printHead, printTable } from './support/report.js';

const { values } = parseArgs({
  options: { photos: { type: 'string', default: '10,100,300,1000' }, runs: { type: 'string', default: '3' } },
});
const { module: sample } = await runnerImport(fileURLToPath(new URL('../test/web/sample-report.ts', import.meta.url)));

const rows = [];
for (const photos of values.photos.split(',').map(Number)) {
  const url = await sample.writeSample(await sample.sampleReport(photos));
  const runs = [];
  for (let run = 0; run < Number(values.runs); run++) runs.push(await measure(url));
  const middle = name => Math.round(median(runs.map(one => one[name])));
  const megabytes = (statSync(fileURLToPath(url)).size / 1e6).toFixed(1);
  rows.push([photos, megabytes, ...['paint', 'drawn', 'frame', 'longest'].map(middle)]);
  rmSync(dirname(fileURLToPath(url)), { recursive: true });
}
printHead('The page of a report');
printTable(
  ['photographs', 'MB', 'first paint, ms', 'thumbnails in view drawn', 'frame while scrolling', 'the longest'],
  rows,
);

async function measure(url) {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.addInitScript(watch);
    await page.goto(url);
    const { paint, drawn } = await page.evaluate('whenDrawn');
    const frames = await page.evaluate(scrollThrough);
    return { paint, drawn, frame: median(frames), longest: Math.max(...frames) };
  } finally {
    await browser.close();
  }
}

/** In the page, before its own script: looks at each frame whether all canvases in view are drawn. */
function watch() {
  globalThis.whenDrawn = new Promise(resolve => {
    const look = () => {
      // Of the items, since asking for what is inside of one out of view would have it laid out.
      const inView = [...document.querySelectorAll('.thumb')]
        .filter(item => item.getBoundingClientRect().top < innerHeight)
        .map(item => item.querySelector('.map-canvas'))
        .filter(canvas => canvas !== null);
      const [paint] = performance.getEntriesByName('first-contentful-paint');
      if (paint && inView.length > 0 && inView.every(({ dataset }) => dataset.drawn === 'true'))
        resolve({ paint: paint.startTime, drawn: performance.now() });
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

/** In the page: a quarter of the window further each frame. @returns milliseconds of each frame */
async function scrollThrough() {
  const frames = [];
  let last = performance.now();
  const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight / 4) {
    scrollTo({ top: y, behavior: 'instant' });
    await frame();
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return frames;
}
