// The order of native's folders: a file includes files of its own folder and of those further down, and no circle of
// files exists. Includes are written from native/ on ("kernels/base/shape.hpp").
//   node scripts/check-native-includes.js [FOLDER, default native]
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const ORDER = [
  'addon.cpp',
  'windows',
  'binding',
  'scoring',
  'engine',
  'device',
  'runtime',
  'kernels/cuda', // and every .cu file of kernels/, which lies beside its .cpp
  'kernels/impute',
  'kernels/mask',
  'kernels/decompose',
  'kernels/picture',
  'kernels/map',
  'kernels/reduce',
  'kernels/base',
];

const SOURCES = new Set(['.cpp', '.hpp', '.inl', '.cu', '.cuh']);

const root = process.argv[2] ?? 'native';
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map(file => file.replaceAll('\\', '/'))
  .filter(file => SOURCES.has(extname(file)))
  .sort();
const known = new Set(files);
const faults = [];
const includes = new Map(files.map(file => [file, includesOf(file)]));

for (const file of files) {
  const place = placeOf(file);
  if (place < 0) faults.push(`${file} is in no folder of the order in scripts/check-native-includes.js`);
  for (const included of includes.get(file))
    if (!known.has(included)) faults.push(`${file} includes ${included}, which does not exist`);
    else if (placeOf(included) < place) faults.push(`${file} includes ${included} from above`);
}
for (const circle of circles()) faults.push(`circle of files: ${circle.join(' → ')}`);

for (const fault of faults) console.error(fault);
if (files.length === 0) console.error(`no C++ file in ${root}`);
if (faults.length > 0 || files.length === 0) process.exit(1);
console.log(`${files.length} C++ files include in the order of their folders`);

/** The files of the project that a file includes; a .inl of several tiers through each_tier's macro too. */
function includesOf(file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^\s*#\s*(?:include|define\s+\w+)\s+"([^"]+\.(?:hpp|inl|cuh))"/gm)].map(([, path]) => path);
}

function placeOf(file) {
  if (file.startsWith('kernels/') && file.endsWith('.cu')) return ORDER.indexOf('kernels/cuda');
  return ORDER.findIndex(entry => file === entry || file.startsWith(`${entry}/`));
}

/** One circle for each file in which a walk along the includes comes back to a file that it is still in. */
function circles() {
  const found = [];
  const left = new Set();
  const walk = (file, way) => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file]);
    if (way.includes(file) || left.has(file)) return;
    for (const next of includes.get(file) ?? []) walk(next, [...way, file]);
    left.add(file);
  };
  for (const file of files) walk(file, []);
  return found;
}
