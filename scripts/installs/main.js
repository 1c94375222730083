// scripts/try-installs [TARBALL] [--write] [--only NAME,…] [--tools FOLDER]
//
// Does the package install and work with every package manager? Each installs it into an empty folder, by its name from a
// registry of this script, which sends them to the configured one for all others, then an ESM and a CommonJS program explain a picture, and
// the command `doctor` looks around. The download of onnxruntime-node's install script is made to fail, as behind a proxy: what
// happens then, and that the documented setting cures it, is part of the table. `--write` puts it into docs/install.md.
// TARBALL is by default what `npm pack` makes of dist/ and prebuilds/; `--tools` keeps the managers for the next time.
// Needs a package registry and `tar`. Exit 1 if something fails.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeSection } from '../support/write-section.js';
import { attempt, environment, use } from './attempt.js';
import { execute } from './execute.js';
import { serveRegistry } from './registry.js';
import { contentsTable, installsTable } from './tables.js';
import { fetchTools, tools } from './tools.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' }, only: { type: 'string' }, tools: { type: 'string' } },
});

if (values.write && values.only) throw new Error('--write needs the whole table, not --only a part');

const scratch = mkdtempSync(join(tmpdir(), 'onnx-cam-installs-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const tarball = positionals[0] === undefined ? await pack() : resolve(positionals[0]);
const unpacked = join(scratch, 'unpacked');
mkdirSync(unpacked);
await checked(['tar', '-xzf', tarball, '-C', unpacked], scratch);
const manifest = JSON.parse(readFileSync(join(unpacked, 'package/package.json'), 'utf8'));

const toolFolder = resolve(values.tools ?? join(scratch, 'tools'));
await fetchTools(toolFolder);
const upstream = (await checked(['npm', 'config', 'get', 'registry'], scratch)).trim();
const registry = await serveRegistry(readFileSync(tarball), manifest, upstream);

const rows = [];
for (const tool of tools(toolFolder, tarball).filter(({ name }) => wanted(name))) {
  const row = await tryTool(tool);
  rows.push(row);
  console.log(`${row.works ? 'ok   ' : 'FAILS'} ${tool.name}: ${row.works ? row.command : row.failure}`);
}
registry.close();

const table = installsTable(rows);
const contents = contentsTable(join(unpacked, 'package'), readFileSync(tarball).length);
console.log(`\n${table}\n${contents}`);
if (values.write) {
  writeSection('docs/install.md', 'installs', table);
  writeSection('docs/install.md', 'contents', contents);
}
process.exitCode = rows.every(({ works }) => works) ? 0 : 1;

/** One line of the table: the command that works, what came of using it, and what happens where scripts run and cannot download. */
async function tryTool(tool) {
  const own = join(scratch, tool.name.replaceAll(/\W+/g, '-'));
  const home = join(own, 'home');
  const env = environment(home, registry.url, await checked(['npm', 'config', 'get', 'cafile'], scratch));
  const folder = kind => join(own, kind);
  const version = (await execute([...tool.run, '--version'], { cwd: scratch, env })).stdout.match(/\d+\.\d+\.\d+/)?.[0];
  const node = (await execute([tool.node, '--version'], { cwd: scratch, env })).stdout.match(/\d+\.\d+\.\d+/)?.[0];

  const plain = await attempt(tool, {}, folder('plain'), env);
  const cured = plain.code !== 0 && tool.cure ? await attempt(tool, tool.cure, folder('cured'), env) : undefined;
  const installed = cured ?? plain;
  const used = installed.code === 0 ? await use(tool, installed.folder, env) : { failure: installed.output };

  // Managers that run scripts by default have shown what that leads to.
  const running = tool.allow ? await attempt(tool, tool.allow, folder('allowed'), env) : plain;
  const { args, env: allowing, files } = tool.allow ?? {};
  const skipping = { args, files, env: { ...allowing, ONNXRUNTIME_NODE_INSTALL: 'skip' } };
  const skipped = tool.allow ? await attempt(tool, skipping, folder('skipped'), env) : installed;

  const result = {
    name: tool.name,
    version,
    node: tool.own ? undefined : node,
    command: (cured ? tool.cure : tool).shown,
    runsScripts: tool.allow === undefined,
    plain,
    running,
    skipped,
    ...used,
    works: used.failure === undefined && skipped.code === 0,
    failure: used.failure ?? (skipped.code === 0 ? undefined : skipped.output),
  };
  rmSync(own, { recursive: true, force: true });
  return result;
}

function wanted(name) {
  return values.only === undefined || values.only.split(',').some(part => name.includes(part));
}

async function pack() {
  const printed = await checked(['npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', scratch], root);
  const { filename, files } = JSON.parse(printed)[0] ?? Object.values(JSON.parse(printed))[0];
  const paths = files.map(({ path }) => path);
  for (const [part, how] of Object.entries({ dist: 'npm run build', prebuilds: 'npm run build:release' }))
    if (!paths.some(path => path.startsWith(`${part}/`))) throw new Error(`there is no ${part}/ to pack: ${how}`);
  return join(scratch, filename);
}

async function checked(command, cwd) {
  const { code, stdout, output } = await execute(command, { cwd });
  if (code !== 0) throw new Error(`${command.join(' ')} failed:\n${output}`);
  return stdout;
}
