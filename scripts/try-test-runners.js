// node scripts/try-test-runners.js: the built package (npm run build) under the test runners that run tests in a realm of their own.
// They are installed in a temporary folder; scripts/test-runners/onnx-cam.test.js is what they run.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-runners-'));
const VM_MODULES = { NODE_OPTIONS: '--experimental-vm-modules' };

const jest = (testEnvironment, setupFiles = []) => ({
  name: `Jest, testEnvironment '${testEnvironment}'`,
  args: ['jest', '--config', JSON.stringify({ testEnvironment, setupFiles, transform: {}, testTimeout: 60_000 })],
  env: VM_MODULES,
});
const vitest = (...args) => ({
  name: `vitest ${args.join(' ')}`.trim(),
  args: ['vitest', 'run', '--globals', '--testTimeout=60000', ...args],
});
const RUNNERS = [
  jest('node'),
  jest('jsdom', ['<rootDir>/setup.cjs']),
  vitest('--pool=forks'),
  vitest('--pool=threads'),
  vitest('--pool=vmThreads'),
  vitest('--pool=vmForks'),
  vitest('--environment=jsdom'),
  vitest('--environment=jsdom', '--pool=vmThreads'),
];

function run(command, args, env = {}) {
  const options = {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    env: { ...process.env, ...env },
  };
  return spawnSync(command, args, options);
}

writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
const packages = [root, 'sharp', 'jest', 'jest-environment-jsdom', 'vitest', 'jsdom'];
const installed = run('npm', [
  'install',
  '--ignore-scripts',
  '--install-links',
  '--no-audit',
  '--no-fund',
  ...packages,
]);
if (installed.status !== 0) throw new Error(installed.stderr);
// What is not in the tarball where the binaries of all platforms are not built.
const own = join(folder, 'node_modules/onnx-cam');
cpSync(join(root, 'build/Release/onnx_cam.node'), join(own, 'build/Release/onnx_cam.node'));
// Jest's jsdom leaves these out.
writeFileSync(
  join(folder, 'setup.cjs'),
  "const { TextDecoder, TextEncoder } = require('node:util');\nObject.assign(globalThis, { TextDecoder, TextEncoder });\n",
);
mkdirSync(join(folder, 'test'));
cpSync(join(root, 'scripts/test-runners/onnx-cam.test.js'), join(folder, 'test/onnx-cam.test.js'));

const failed = RUNNERS.filter(({ name, args, env }) => {
  const { status, stdout, stderr } = run('npx', args, env);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  if (status !== 0) console.error(`${stdout}\n${stderr}`);
  return status !== 0;
});
if (failed.length === 0) rmSync(folder, { recursive: true });
else console.error(`left in ${folder}`);
process.exitCode = failed.length === 0 ? 0 : 1;
