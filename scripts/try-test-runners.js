// node scripts/try-test-runners.js: the built package (npm run build) under the test runners that run tests in a realm of their own.
// They are installed in a temporary folder; scripts/test-runners/onnx-cam.test.js is what they run.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ScratchProject } from './support/scratch-project.js';

const root = fileURLToPath(new URL('..', import.meta.url));
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

const packages = [root, 'sharp', 'jest', 'jest-environment-jsdom', 'vitest', 'jsdom'];
const project = new ScratchProject('runners', packages);
const { folder } = project;
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
  const { status, stdout, stderr } = project.run('npx', args, env);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  if (status !== 0) console.error(`${stdout}\n${stderr}`);
  return status !== 0;
});
project.end(failed.length);
