#!/usr/bin/env node
// npm run build:release: the published binaries of all platforms, into prebuilds/, from one linux-x64 machine.
//   node scripts/build-release.js [platform …] [--no-cuda]      all of scripts/release/platforms.js unless some are named
// Needs CMake, Python 3 and, for the kernels for GPUs, g++. Two builds of one commit in one folder give the same bytes.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PLATFORMS } from './release/platforms.js';
import { releaseFolder, releaseTools, root, run } from './release/tools.js';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { 'no-cuda': { type: 'boolean' } } });
const names = positionals.length > 0 ? positionals : Object.keys(PLATFORMS);
for (const name of names) {
  if (PLATFORMS[name] === undefined) {
    console.error(`no platform is called ${name}; there are ${Object.keys(PLATFORMS).join(', ')}`);
    process.exit(2);
  }
}
const tools = releaseTools();
const cache = join(releaseFolder, 'zig-cache');
const env = { ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache, SOURCE_DATE_EPOCH: '0' };
if (positionals.length === 0) rmSync(join(root, 'prebuilds'), { recursive: true, force: true });

for (const name of names) {
  const started = performance.now();
  const { target, file, cuda } = PLATFORMS[name];
  const folder = join(releaseFolder, name);
  const kernels = cuda && !values['no-cuda'];
  run(
    'cmake',
    [
      ...['-G', 'Ninja', '-S', root, '-B', folder, '--log-level=WARNING'],
      `-DCMAKE_TOOLCHAIN_FILE=${join(root, 'scripts/release/zig.cmake')}`,
      `-DCMAKE_MAKE_PROGRAM=${tools.ninja}`,
      `-DONNX_CAM_ZIG=${tools.zig}`,
      `-DONNX_CAM_TARGET=${target}`,
      `-DONNX_CAM_CUDA=${kernels ? 'ON' : 'OFF'}`,
      ...(kernels ? [`-DCMAKE_CUDA_COMPILER=${tools.nvcc}`, '-DCMAKE_CUDA_HOST_COMPILER=g++'] : []),
    ],
    { env },
  );
  run('cmake', ['--build', folder, '--parallel', String(availableParallelism())], { env });
  const to = join(root, 'prebuilds', name);
  mkdirSync(to, { recursive: true });
  copyFileSync(join(folder, 'onnx_cam.node'), join(to, file));
  const bytes = readFileSync(join(to, file));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `${name}: ${(bytes.length / 1e6).toFixed(2)} MB in ${seconds} s, SHA-256 ${createHash('sha256').update(bytes).digest('hex')}`,
  );
}
