// npm run build: dist/ as it is published (bundles, the page of reports, declarations), and build/modules/ with every module by itself, which
// scripts and benches import parts of.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './support/bundle.js';
import { rollUpDeclarations } from './support/declarations.js';
import { bundleWeb } from './support/web.js';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const folder of ['dist', 'build/modules', 'build/types'])
  rmSync(join(root, folder), { recursive: true, force: true });
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);
await Promise.all([bundle(), bundleWeb(), rollUpDeclarations()]);
