// node scripts/try-typescript.js: the declarations of the built package (npm run build) under several versions of TypeScript and ways to
// resolve modules, in the strictest settings. They are installed in a temporary folder; test/types/ is what is checked.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSIONS = ['5.5', '5.9', '7'];
const RESOLUTIONS = [
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-typescript-'));

function run(command, args) {
  return spawnSync(command, args, { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' });
}

writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
const compilers = VERSIONS.map(version => `typescript-${version}@npm:typescript@${version}`);
const packages = [root, 'sharp', '@types/node@20', ...compilers];
const installed = run('npm', [
  'install',
  '--ignore-scripts',
  '--install-links',
  '--no-audit',
  '--no-fund',
  ...packages,
]);
if (installed.status !== 0) throw new Error(installed.stderr);
for (const file of ['user.ts', 'sharp.ts']) cpSync(join(root, 'test/types', file), join(folder, file));
const { compilerOptions } = JSON.parse(readFileSync(join(root, 'test/types/tsconfig.json'), 'utf8'));

let failed = 0;
for (const version of VERSIONS)
  for (const resolution of RESOLUTIONS) {
    // Of sharp the declarations need a later one.
    const files = version === '5.5' ? ['user.ts'] : ['user.ts', 'sharp.ts'];
    const config = { compilerOptions: { ...compilerOptions, ...resolution }, files };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { status, stdout } = run(process.execPath, [`node_modules/typescript-${version}/bin/tsc`]);
    console.log(`${status === 0 ? 'ok    ' : 'FAILED'} TypeScript ${version}, ${resolution.moduleResolution}`);
    if (status !== 0) console.error(stdout);
    failed += status === 0 ? 0 : 1;
  }
if (failed === 0) rmSync(folder, { recursive: true });
else console.error(`left in ${folder}`);
process.exitCode = failed === 0 ? 0 : 1;
