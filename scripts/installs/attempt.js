import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execute } from './execute.js';
import { sizeOf } from './tables.js';

const programs = fileURLToPath(new URL('programs', import.meta.url));
const EXPECTED = /^Egyptian cat, 451 x 300$/m;

/**
 * Variables for a manager that has a home and caches of its own, uses the given registry, and whose install scripts find no way out:
 * onnxruntime-node's goes through GLOBAL_AGENT_HTTPS_PROXY alone.
 */
export function environment(home, registry, cafile) {
  mkdirSync(home, { recursive: true });
  const authority = cafile.trim() === 'null' ? '' : `cafile=${cafile}`;
  writeFileSync(join(home, '.npmrc'), `registry=${registry}/\n${authority}`);
  writeFileSync(join(home, '.yarnrc.yml'), 'enableTelemetry: false\n');
  const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|onnx|yarn_|pnpm_|bun_|deno_)/i.test(name));
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    CI: 'true',
    NO_COLOR: '1',
    GLOBAL_AGENT_HTTPS_PROXY: 'http://127.0.0.1:9',
  };
}

/** Installs into a new folder. @param how `{ args, env, files }` beside what the tool always takes */
export async function attempt(tool, how, folder, environment) {
  mkdirSync(folder, { recursive: true });
  const files = { 'package.json': '{ "private": true }', ...tool.files, ...how.files };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const env = { ...environment, ...how.env, PATH: `${join(tool.node, '..')}:${environment.PATH}` };
  const { code, output } = await execute([...tool.run, ...tool.add, ...(how.args ?? [])], { cwd: folder, env });
  return { code, output, folder };
}

/** Starts both programs and the command. @returns `{ bytes }`, or `{ failure }` with what was printed */
export async function use(tool, folder, environment) {
  const env = { ...environment, PATH: `${join(tool.node, '..')}:${environment.PATH}` };
  for (const name of ['main.mjs', 'main.cjs']) {
    copyFileSync(join(programs, name), join(folder, name));
    const { code, output } = await execute(tool.program(name), { cwd: folder, env });
    if (code !== 0 || !EXPECTED.test(output)) return { failure: `${name}: ${output}` };
  }
  const { code, output } = await execute([...tool.command, 'doctor'], { cwd: folder, env });
  if (code !== 0 || !/^onnxruntime +1\./m.test(output)) return { failure: `doctor: ${output}` };
  return { bytes: sizeOf(join(folder, tool.installed ?? 'node_modules')) };
}
