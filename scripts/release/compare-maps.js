// node scripts/release/compare-maps.js REFERENCE OTHER TOLERANCE: the largest difference of each map that both folders have; raw ones relative to
// the reference's largest value. Fails above the tolerance, and where OTHER has none.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [reference, other, tolerance] = process.argv.slice(2);
const read = (folder, name) => {
  const bytes = readFileSync(join(folder, name));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};
const names = readdirSync(other).filter(name => /\.(map|raw)\.f32$/.test(name));
const worst = new Map();
for (const name of names) {
  const a = read(reference, name);
  const b = read(other, name);
  if (a.length !== b.length) throw new Error(`${name}: ${b.length} values instead of ${a.length}`);
  const scale = name.endsWith('.raw.f32') ? a.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1 : 1;
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    const here = Math.abs(a[i] - b[i]) / scale;
    difference = Math.max(difference, here);
  }
  const key = name.split('.').slice(-4, -1).join(' ');
  worst.set(key, Math.max(worst.get(key) ?? 0, difference));
}
for (const [key, difference] of worst) console.log(`  ${key}: ${difference.toExponential(1)}`);
const largest = Math.max(...worst.values());
console.log(`${names.length} files, largest difference ${largest.toExponential(2)}`);
if (!(largest <= Number(tolerance))) process.exit(1);
