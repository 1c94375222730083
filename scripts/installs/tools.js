import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from './execute.js';

const SKIP = { ONNXRUNTIME_NODE_INSTALL: 'skip' };

/** Where the tools come from: aliases of npm packages, so that several versions lie side by side. */
const PACKAGES = {
  'node-24': 'node@24',
  'npm-10': 'npm@10',
  'npm-11': 'npm@11',
  'npm-12': 'npm@12',
  'pnpm-10': 'pnpm@10',
  'pnpm-12': 'pnpm@12',
  'yarn-1': 'yarn@1',
  'yarn-4.5': '@yarnpkg/cli-dist@4.5',
  'yarn-4': '@yarnpkg/cli-dist@4',
};

/** Fetches the package managers into a folder, unless they lie there. */
export async function fetchTools(folder) {
  if (existsSync(join(folder, 'node_modules'))) return;
  mkdirSync(folder, { recursive: true });
  const allowScripts = Object.fromEntries(['bun', 'deno', 'node', 'pnpm'].map(name => [name, true]));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts }));
  const names = Object.entries(PACKAGES).map(([alias, name]) => `${alias}@npm:${name}`);
  const { code, output } = await execute(['npm', 'install', '--no-save', ...names, 'bun', 'deno'], { cwd: folder });
  if (code !== 0) throw new Error(`the package managers could not be fetched:\n${output}`);
}

/**
 * What is tried with a package's tarball, in the table's order. `run` starts the manager, `add` are its arguments, `files` lie in
 * the folder before; `cure` is what helps where that alone fails, `allow` what lets the scripts of dependencies run where they
 * don't: `{ args, env, files }` besides. `shown` is what people type. `program` starts a program, `command` the package's own, in
 * the folder, by `node` (`own`: by the manager's runtime); `installed` is the folder with the packages.
 */
export function tools(folder, tarball) {
  const at = name => join(folder, 'node_modules', name);
  const node = process.execPath;
  const node24 = at('node-24/bin/node');
  const inNode = (binary, rest = {}) => ({
    node: binary,
    program: name => [binary, name],
    command: [binary, 'node_modules/onnx-cam/dist/cli/main.js'],
    ...rest,
  });
  const npm = (version, binary) => ({
    name: `npm ${version}`,
    run: [binary, at(`npm-${version}/bin/npm-cli.js`)],
    add: ['install', 'onnx-cam'],
    shown: 'npm install onnx-cam',
    ...inNode(binary, {
      command: [binary, at(`npm-${version}/bin/npm-cli.js`), 'exec', '--offline', '--', 'onnx-cam'],
    }),
  });
  const skipping = shown => ({ env: SKIP, shown: `ONNXRUNTIME_NODE_INSTALL=skip ${shown}` });
  const pnpm = (name, run, binary, rest) => ({
    name,
    run,
    add: ['add', 'onnx-cam'],
    shown: 'pnpm add onnx-cam',
    allow: { args: ['--allow-build=onnxruntime-node'] },
    ...inNode(binary, { command: [...run, 'exec', 'onnx-cam'] }),
    ...rest,
  });
  const deny = {
    args: ['--allow-build=!onnxruntime-node'],
    shown: "pnpm add onnx-cam --allow-build='!onnxruntime-node'",
  };
  const yarn4 = (name, version, linker, binary, rest = {}) => {
    const run = [binary, at(`yarn-${version}/bin/yarn.js`)];
    return {
      name,
      run,
      // From the file, not by its name: under PnP sharp finds libvips by folder names that hold a hash, which another registry changes.
      add: ['add', `onnx-cam@file:${tarball}`],
      files: { '.yarnrc.yml': `nodeLinker: ${linker}\n`, 'yarn.lock': '' },
      shown: 'yarn add onnx-cam',
      allow: { env: { YARN_ENABLE_SCRIPTS: 'true' } },
      ...inNode(binary, { program: file => [...run, 'node', file], command: [...run, 'onnx-cam'] }),
      ...rest,
    };
  };
  const bun = at('bun/bin/bun.exe');
  const deno = at('deno/deno');
  return [
    { ...npm(10, node), cure: skipping('npm install onnx-cam') },
    { ...npm(11, node24), cure: skipping('npm install onnx-cam') },
    {
      ...npm(12, node24),
      allow: { files: { 'package.json': '{ "private": true, "allowScripts": { "onnxruntime-node": true } }' } },
    },
    pnpm('pnpm 10', [node, at('pnpm-10/bin/pnpm.cjs')], node),
    pnpm('pnpm 12', [at('pnpm-12/pnpm')], node24, { cure: deny }),
    pnpm('pnpm 12, `hoist: false`', [at('pnpm-12/pnpm')], node24, {
      cure: deny,
      files: { 'pnpm-workspace.yaml': 'hoist: false\n' },
    }),
    {
      name: 'yarn 1',
      run: [node, at('yarn-1/bin/yarn.js')],
      add: ['add', 'onnx-cam'],
      shown: 'yarn add onnx-cam',
      cure: skipping('yarn add onnx-cam'),
      ...inNode(node, { command: [node, at('yarn-1/bin/yarn.js'), '--silent', 'onnx-cam'] }),
    },
    yarn4('yarn 4.5, node_modules', '4.5', 'node-modules', node, {
      allow: undefined,
      cure: skipping('yarn add onnx-cam'),
    }),
    yarn4('yarn 4, node_modules', '4', 'node-modules', node),
    yarn4('yarn 4, PnP', '4', 'pnp', node24, { installed: '.yarn/unplugged' }),
    {
      name: 'bun',
      run: [bun],
      add: ['add', 'onnx-cam'],
      shown: 'bun add onnx-cam',
      allow: {
        files: { 'package.json': '{ "private": true, "trustedDependencies": ["onnxruntime-node"] }' },
      },
      own: true,
      node: bun,
      program: name => [bun, name],
      command: [bun, 'x', '--bun', 'onnx-cam'],
    },
    {
      name: 'deno',
      run: [deno],
      add: ['add', 'npm:onnx-cam'],
      shown: 'deno add npm:onnx-cam',
      allow: {
        args: ['--allow-scripts=npm:onnxruntime-node'],
      },
      own: true,
      node: deno,
      program: name => [deno, 'run', '--allow-all', name],
      command: [deno, 'run', '--allow-all', 'npm:onnx-cam'],
    },
  ];
}
