/**
 * What npm would publish: that the tarball holds what it needs and nothing else, that publint and "are the types wrong" find
 * nothing, and that TypeScript programs of every kind compile against it. `npm run build` first.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = name => join(root, 'node_modules', name);
const PUBLISHED = [
  /^dist\/(index|(kernels|targets)\/index)\.(js|cjs|d\.ts|d\.cts|js\.map)$/,
  /^dist\/web\/page\.(js|css)$/,
  /^dist\/(cli\/main|chunks\/[\w.-]+)\.js(\.map)?$/,
  /^prebuilds\/[\w-]+\/[\w.-]+\.node$/,
  /^assets\/(README\.md|LICENSE-[\w.-]+|efficientnet-lite0\.onnx(\.json)?|pictures\/\w+\.(png|jpg)|fonts\/(DejaVuSans\.ttf|fonts\.conf|LICENSE-DejaVu))$/,
  /^(dist\/LICENSES\.txt|package-files\.js|package\.json|README\.md|LICENSE)$/,
];
const NEEDED = [
  ...['index', 'kernels/index', 'targets/index'].flatMap(entry =>
    ['js', 'cjs', 'd.ts', 'd.cts'].map(end => `dist/${entry}.${end}`),
  ),
  ...[
    'dist/cli/main.js',
    'dist/web/page.js',
    'dist/web/page.css',
    'dist/LICENSES.txt',
    'package-files.js',
    'README.md',
    'LICENSE',
  ],
  ...[
    'assets/efficientnet-lite0.onnx',
    'assets/efficientnet-lite0.onnx.json',
    'assets/LICENSE-APACHE-2.0',
    'assets/fonts/DejaVuSans.ttf',
  ],
];
const megabytes = bytes => `${(bytes / 1e6).toFixed(1)} MB`;
const TYPESCRIPT_7 = bin('typescript/bin/tsc');
const TYPESCRIPT_6 = bin('@typescript/typescript6/bin/tsc6');
/** Options of users' programs, and which compilers have them. */
const PROGRAMS = [
  { module: 'node16', compilers: [TYPESCRIPT_7, TYPESCRIPT_6] },
  { module: 'nodenext', compilers: [TYPESCRIPT_7, TYPESCRIPT_6] },
  { module: 'esnext', moduleResolution: 'bundler', compilers: [TYPESCRIPT_7, TYPESCRIPT_6] },
  { module: 'commonjs', moduleResolution: 'bundler', compilers: [TYPESCRIPT_7, TYPESCRIPT_6] },
  { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0', compilers: [TYPESCRIPT_6] },
];

const scratch = mkdtempSync(join(tmpdir(), 'onnx-cam-package-'));
try {
  const [{ filename, size, unpackedSize, files }] = JSON.parse(
    run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', scratch], root),
  );
  const paths = files.map(({ path }) => path);
  const strange = paths.filter(path => !PUBLISHED.some(pattern => pattern.test(path)));
  const missing = NEEDED.filter(path => !paths.includes(path));
  // Entries may be but the names of what chunks hold.
  if (!paths.some(path => path.endsWith('.js.map'))) missing.push('source maps');
  if (strange.length > 0) throw new Error(`these files are not to be published: ${strange.join(', ')}`);
  if (missing.length > 0) throw new Error(`these files are missing in the tarball: ${missing.join(', ')}`);
  console.log(`${filename}: ${paths.length} files, ${megabytes(size)} packed, ${megabytes(unpackedSize)} unpacked`);

  const tarball = join(scratch, filename);
  run(process.execPath, [bin('publint/src/cli.js'), tarball, '--strict'], root);
  run(process.execPath, [bin('@arethetypeswrong/cli/dist/index.js'), tarball], root);
  console.log('publint and attw find nothing');
  compilePrograms(tarball);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Programs as ES modules and CommonJS ones, where the module kind lets both be. */
function compilePrograms(tarball) {
  mkdirSync(join(scratch, 'node_modules/@types'), { recursive: true });
  run('tar', ['-xzf', tarball, '-C', join(scratch, 'node_modules')], root);
  renameSync(join(scratch, 'node_modules/package'), join(scratch, 'node_modules/onnx-cam'));
  for (const name of ['@types/node', 'undici-types'])
    cpSync(bin(name), join(scratch, 'node_modules', name), { recursive: true });
  const program = `import { type Explanation, load, OnnxCamError } from 'onnx-cam';
import { kernelTier } from 'onnx-cam/kernels';
import { topK } from 'onnx-cam/targets';
export async function main(): Promise<string> {
  const cam = await load('model.onnx');
  const one: Explanation = await cam.explain('cat.jpg');
  const several = await cam.explain('cat.jpg', { target: topK(2) });
  if (one.status !== 'ok') throw new OnnxCamError('ERR_OUTPUT', kernelTier());
  return \`\${one.map.data.length} \${several}\`;
}
`;
  const required = `import cam = require('onnx-cam');
import targets = require('onnx-cam/targets');
export const loading: Promise<cam.Explainer> = cam.load('model.onnx');
export const target = targets.topK(2);
`;
  writeFileSync(join(scratch, 'program.mts'), program);
  writeFileSync(join(scratch, 'program.ts'), program);
  writeFileSync(join(scratch, 'program.cts'), program);
  writeFileSync(join(scratch, 'required.cts'), required);
  writeFileSync(join(scratch, 'package.json'), '{}');
  for (const { compilers, ...options } of PROGRAMS) {
    const files = /^node/.test(options.module)
      ? ['program.mts', 'program.cts', 'required.cts']
      : options.module === 'esnext'
        ? ['program.ts']
        : ['program.ts', 'required.cts'];
    const compilerOptions = {
      target: 'es2022',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: ['node'],
      ...options,
    };
    writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    for (const compiler of compilers) run(process.execPath, [compiler, '-p', scratch], scratch);
    console.log(`compiles: ${Object.values(options).join(', ')} (${files.join(', ')})`);
  }
}

function run(file, args, cwd) {
  try {
    return execFileSync(file, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${[file, ...args].join(' ')}\n${error.stdout}${error.stderr}`);
  }
}
