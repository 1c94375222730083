#!/usr/bin/env node
// prebuildify knows node-gyp only. Its option --node-gyp points here: whatever it asks for (target, arch, dev folder …),
// the addon uses Node-API and is built by cmake-js from CMakeLists.txt.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const manifestPath = require.resolve('cmake-js/package.json');
const cmakeJs = join(dirname(manifestPath), require(manifestPath).bin['cmake-js']);
const { status } = spawnSync(process.execPath, [cmakeJs, 'rebuild', '--parallel', String(availableParallelism())], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
