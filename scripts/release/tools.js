import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
/** Everything that release builds make: tools, zig's cache, one folder a platform. */
export const releaseFolder = join(root, 'build-release');

/** Runs a program to its end and answers what it wrote when `capture` is set; ends this process when it fails. */
export function run(program, args, { env = {}, capture = false } = {}) {
  const { status, error, stdout } = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) {
    console.error(`${program} ${args.join(' ')}: ${error?.message ?? `status ${status}`}`);
    process.exit(1);
  }
  return stdout;
}

/** zig, nvcc, Ninja and lief of scripts/release/requirements.txt, installed on first need. */
export function releaseTools() {
  const venv = join(releaseFolder, 'venv');
  const python = join(venv, 'bin/python');
  if (!existsSync(python)) run('python3', ['-m', 'venv', venv]);
  const requirements = join(root, 'scripts/release/requirements.txt');
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  const packages = run(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], {
    capture: true,
  }).trim();
  const cuda = join(packages, 'nvidia/cu13');
  // nvcc and CMake look for the names that the toolkit's own installer makes.
  for (const [link, to] of [
    ['lib64', 'lib'],
    ['lib/libcudart.so', 'libcudart.so.13'],
  ]) {
    if (!existsSync(join(cuda, link))) symlinkSync(to, join(cuda, link));
  }
  return { python, ninja: join(venv, 'bin/ninja'), zig: join(packages, 'ziglang/zig'), nvcc: join(cuda, 'bin/nvcc') };
}
