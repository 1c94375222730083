// node scripts/try-typescript.js: the declarations of the built package (npm run build) under several versions of TypeScript and ways to
// resolve modules, in the strictest settings. They are installed in a temporary folder; test/types/ is what is checked.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ScratchProject } from './support/scratch-project.js';

const VERSIONS = ['5.5', '5.9', '7'];
const RESOLUTIONS = [
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

const root = fileURLToPath(new URL('..', import.meta.url));

const compilers = VERSIONS.map(version => `typescript-${version}@npm:typescript@${version}`);
const packages = [root, 'sharp', '@types/node@20', ...compilers];
const project = new ScratchProject('typescript', packages);
const { folder } = project;
for (const file of ['user.ts', 'sharp.ts']) cpSync(join(root, 'test/types', file), join(folder, file));
const { compilerOptions } = JSON.parse(readFileSync(join(root, 'test/types/tsconfig.json'), 'utf8'));

let failed = 0;
for (const version of VERSIONS)
  for (const resolution of RESOLUTIONS) {
    // Of sharp the declarations need a later one.
    const files = version === '5.5' ? ['user.ts'] : ['user.ts', 'sharp.ts'];
    const config = { compilerOptions: { ...compilerOptions, ...resolution }, files };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { status, stdout } = project.run(process.execPath, [`node_modules/typescript-${version}/bin/tsc`]);
    console.log(`${status === 0 ? 'ok    ' : 'FAILED'} TypeScript ${version}, ${resolution.moduleResolution}`);
    if (status !== 0) console.error(stdout);
    failed += status === 0 ? 0 : 1;
  }
project.end(failed);
