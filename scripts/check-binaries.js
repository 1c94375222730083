#!/usr/bin/env node
// Checks prebuilds/ before it is published: every platform has its binary, and each needs and shows no more than it may.
//   node scripts/check-binaries.js [platform …]      all of scripts/release/platforms.js unless some are named
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FORMATS } from './release/formats.js';
import { PLATFORMS } from './release/platforms.js';
import { releaseTools, root, run } from './release/tools.js';

const ENTRY_POINTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
const MEGABYTE = 1e6;
const { python } = releaseTools();
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PLATFORMS);
const faults = [];

/** Strings in the file that begin like a folder of the machine that it was built on. */
function pathsOf(bytes) {
  const text = bytes.toString('latin1');
  const folders = [root, dirname(root), homedir(), tmpdir()].map(folder => `${folder.replace(/\/$/, '')}/`);
  return folders.filter(folder => folder.length > 2 && text.includes(folder));
}

for (const name of names) {
  const platform = PLATFORMS[name];
  const folder = join(root, 'prebuilds', name);
  const path = join(folder, platform.file);
  const fault = text => faults.push(`${name}: ${text}`);
  if (!existsSync(path)) {
    fault(`${path} is missing: npm run build:release`);
    continue;
  }
  const others = readdirSync(folder).filter(file => file !== platform.file);
  if (others.length > 0) fault(`does not belong into its folder: ${others.join(', ')}`);

  const facts = JSON.parse(run(python, ['scripts/release/describe.py', path], { capture: true }));
  const { machine, mayExport = () => false, mayNeed, check } = FORMATS[name.split('-')[0]];
  if (facts.machine !== machine[name.split('-')[1]]) fault(`is for ${facts.format} ${facts.machine}`);
  for (const symbol of ENTRY_POINTS) if (!facts.exports.includes(symbol)) fault(`does not export ${symbol}`);
  const leaked = facts.exports.filter(symbol => !ENTRY_POINTS.includes(symbol) && !mayExport(symbol));
  if (leaked.length > 0) fault(`exports ${leaked.join(', ')}`);
  const needless = facts.needs.filter(library => !mayNeed.some(pattern => pattern.test(library)));
  if (needless.length > 0) fault(`needs ${needless.join(', ')}`);
  check(facts, fault);

  const bytes = readFileSync(path);
  const kernels = bytes.includes('cudaLaunchKernel');
  if (kernels !== platform.cuda) fault(platform.cuda ? 'has no kernels for GPUs' : 'has kernels for GPUs');
  const largest = (platform.cuda ? 3 : 2) * MEGABYTE;
  if (statSync(path).size > largest) fault(`has ${bytes.length} bytes, more than ${largest}`);
  const paths = pathsOf(bytes);
  if (paths.length > 0) fault(`tells where it was built: ${paths.join(', ')}`);
  console.log(`${name}: ${(bytes.length / MEGABYTE).toFixed(2)} MB, ${facts.floor}, needs ${facts.needs.join(' ')}`);
}

for (const line of faults) console.error(line);
process.exit(faults.length > 0 ? 1 : 0);
