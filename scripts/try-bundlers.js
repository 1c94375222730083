/**
 * The recipes of docs/deploy.md, tried: packs the package, builds each project of scripts/bundlers with the real tool, moves what
 * would be deployed to an empty folder and asks for a map there. `npm run build` and a prebuilt binary first, then
 * `node scripts/try-bundlers.js [NAME…] [--write] [--keep]`; `--write` puts the table into docs/deploy.md (all recipes).
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RECIPES } from './bundlers/recipes.js';
import { writeSection } from './support/write-section.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' }, keep: { type: 'boolean' } },
});
const EXPECTED = '{"label":"espresso","status":"ok","size":[600,400]}';

const scratch = mkdtempSync(join(tmpdir(), 'onnx-cam-bundlers-'));
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ONNXRUNTIME_NODE_INSTALL: 'skip', CI: '1' };
for (const name of Object.keys(env)) if (name.startsWith('npm_')) delete env[name];

function sh(command, cwd) {
  return execFileSync('sh', ['-c', command], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

const tarball = join(scratch, sh(`npm pack --ignore-scripts --silent --pack-destination ${scratch}`, root).trim());
const names = positionals.length > 0 ? positionals : Object.keys(RECIPES);
const rows = [];
for (const name of names) {
  const row = await attempt(name, RECIPES[name]);
  console.log(row.join(' | '));
  rows.push(row);
}
if (values.write) writeTable(rows);
if (!values.keep) rmSync(scratch, { recursive: true, force: true });
process.exitCode = rows.every(([, , , result]) => result.startsWith('✓')) ? 0 : 1;

async function attempt(name, recipe) {
  const project = join(scratch, name.replaceAll(/\W+/g, '-'));
  const deployed = join(scratch, 'deployed');
  rmSync(deployed, { recursive: true, force: true });
  try {
    const versions = install(project, recipe);
    for (const command of recipe.build ?? []) {
      for (const line of command === '@Dockerfile' ? dockerLines(project) : [command]) sh(line, project);
    }
    if (recipe.tools && recipe.deploy.includes('node_modules')) sh('npm prune --omit=dev --ignore-scripts', project);
    const size = deploy(project, deployed, recipe);
    const answer = recipe.path ? await request(deployed, recipe) : started(deployed, recipe);
    const right = recipe.fails ? recipe.fails.test(answer) : answer.trim().endsWith(EXPECTED);
    return [name, versions, size, right ? `✓ ${recipe.note ?? ''}`.trim() : `✗ ${answer.trim().slice(-1500)}`];
  } catch (error) {
    return [name, '', '', `✗ ${String(error.stderr || error.stdout || error.message).slice(-1500)}`];
  } finally {
    if (!values.keep) rmSync(project, { recursive: true, force: true });
  }
}

/** The project with its packages. @returns which versions of the tools */
function install(project, { files, tools = [] }) {
  mkdirSync(join(project, 'models'), { recursive: true });
  for (const file of files)
    cpSync(join(root, 'scripts/bundlers', file), join(project, basename(file)), { recursive: true });
  copyModels(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  const quiet = '--ignore-scripts --no-audit --no-fund --prefer-offline --silent';
  sh(`npm install ${quiet} ${tarball}`, project);
  if (tools.length > 0) sh(`npm install ${quiet} --save-dev ${tools.join(' ')}`, project);
  const version = tool => JSON.parse(readFileSync(join(project, 'node_modules', tool, 'package.json'), 'utf8')).version;
  return tools.length > 0 ? `${tools[0]} ${version(tools[0])}` : '';
}

function copyModels(folder) {
  const assets = join(root, 'assets');
  mkdirSync(join(folder, 'models'), { recursive: true });
  cpSync(join(assets, 'efficientnet-lite0.onnx'), join(folder, 'models/model.onnx'));
  cpSync(join(assets, 'efficientnet-lite0.onnx.json'), join(folder, 'models/model.onnx.json'));
  cpSync(join(assets, 'pictures/coffee.jpg'), join(folder, 'models/picture.jpg'));
}

/** The commands of a Dockerfile, but for the first: the packages are there. */
function dockerLines(project) {
  const text = readFileSync(join(project, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  return [...text.matchAll(/^RUN (?!npm ci)(.*)$/gm)].map(([, line]) => line);
}

/** Moves what is deployed to an empty folder, away from the project. @returns its size without model and picture */
function deploy(project, deployed, recipe) {
  mkdirSync(deployed);
  for (const part of recipe.deploy) {
    const from = join(project, part);
    const into = part === 'node_modules' || part === 'out' ? join(deployed, part) : deployed;
    if (into === deployed && statSync(from).isDirectory())
      cpSync(from, deployed, { recursive: true, verbatimSymlinks: true });
    else if (into === deployed) cpSync(from, join(deployed, part));
    else renameSync(from, into);
  }
  rmSync(project, { recursive: true, force: true });
  // A server has its own package.json, and the models that it was told to trace.
  if (!recipe.path) writeFileSync(join(deployed, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const megabytes = `${Math.round(bytesIn(deployed) / 1e6)} MB`;
  if (!recipe.path) copyModels(deployed);
  if (!recipe.zipped) return megabytes;
  sh(
    `zip -qr ../function.zip . && rm -r ../deployed && mkdir ../deployed && unzip -q ../function.zip -d ../deployed`,
    deployed,
  );
  return `${megabytes}, with the model ${Math.round(statSync(join(scratch, 'function.zip')).size / 1e6)} MB zipped`;
}

function bytesIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.parentPath.split('/').at(-1) !== 'models')
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function started(cwd, { start, fails }) {
  if (!fails) return sh(start, cwd);
  try {
    return sh(start, cwd);
  } catch (error) {
    return error.stderr;
  }
}

/** Starts the server and asks it once. */
async function request(cwd, { start, path }) {
  const port = await freePort();
  const server = spawn('sh', ['-c', `exec ${start}`], {
    cwd,
    env: { ...env, PORT: String(port), HOSTNAME: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', chunk => (said += chunk));
  try {
    for (const end = Date.now() + 60_000; ; await new Promise(resolve => setTimeout(resolve, 300))) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
      if (response?.ok) return await response.text();
      if (response || Date.now() > end) throw new Error(`${response?.status ?? 'no answer'}: ${said}`);
    }
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

function writeTable(table) {
  const lines = [
    '| recipe | tool | deployed | a map |',
    '|---|---|---|---|',
    ...table.map(row => `| ${row.join(' | ')} |`),
  ];
  writeSection('docs/deploy.md', 'recipes', lines.join('\n'));
}
