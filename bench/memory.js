/**
 * Does memory grow? Explains the bundled pictures again and again and prints the resident set along the way.
 * `npm run build`, then `node --expose-gc bench/memory.js [COUNT]` (2,000 by default).
 */
import { load } from '../dist/index.js';
import { BUNDLED, CAT, COFFEE, ROCKET } from './support/models.js';
import { printHead, printTable } from './support/report.js';

const count = Number(process.argv[2] ?? 2000);
const PICTURES = [CAT, COFFEE, ROCKET];
printHead(`Resident memory over ${count} explanations (decode, Grad-CAM, overlay)`);
const cam = await load(BUNDLED);
const megabytes = () => (process.memoryUsage.rss() / 2 ** 20).toFixed(0);
const rows = [];
for (let i = 0; i <= count; i++) {
  if (i % Math.max(1, Math.floor(count / 10)) === 0) {
    globalThis.gc?.();
    rows.push([i, megabytes()]);
  }
  const result = await cam.explain(PICTURES[i % PICTURES.length]);
  await result.overlay();
}
printTable(['explanations', 'RSS MB'], rows);
await cam.dispose();
