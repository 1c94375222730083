import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Compiles lib/ to dist/ once before the tests: those of the command start it as a process, as users do. */
export default function setup(): void {
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json');
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(dirname(compiler), 'bin/tsc'), '-p', 'tsconfig.build.json'],
    { encoding: 'utf8' },
  );
  // 2: with type errors, which are the linter's business; the files are there.
  if (status !== 0 && status !== 2) throw new Error(`dist/ could not be built:\n${stdout}`);
}
