import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

const root = fileURLToPath(new URL('../..', import.meta.url));

const typesOf = (file: string) => ({ types: file, default: file.replace('.d.ts', '.js') });

/** A user's project in build/, with the declarations of lib/ as they are now for the package; TypeScript's strictest settings. */
export class UserProject {
  readonly folder: string;

  /** @param name of its folder */
  constructor(name: string) {
    this.folder = join(root, 'build', name);
    rmSync(this.folder, { recursive: true, force: true });
    const own = join(this.folder, 'node_modules/onnx-cam');
    mkdirSync(own, { recursive: true });
    const emitting = ['--emitDeclarationOnly', '--declarationDir', own, '--outDir', own];
    const output = compile(['-p', 'tsconfig.build.json', ...emitting]);
    if (output !== '') throw new Error(output);
    const exports = {
      '.': typesOf('./index.d.ts'),
      './kernels': typesOf('./kernels/index.d.ts'),
      './targets': typesOf('./targets/index.d.ts'),
    };
    writeFileSync(join(own, 'package.json'), JSON.stringify({ name: 'onnx-cam', type: 'module', exports }));
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ type: 'module' }));
    copyFileSync(join(root, 'test/types/tsconfig.json'), join(this.folder, 'tsconfig.json'));
  }

  /** Writes a file of the project. */
  add(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /**
   * Checks the types of files.
   * @param options of the compiler, after those of test/types/tsconfig.json
   * @returns what is wrong, '' where nothing is
   */
  check(files: readonly string[], ...options: readonly string[]): string {
    const config = { extends: './tsconfig.json', files };
    this.add('tsconfig.check.json', JSON.stringify(config));
    return compile(['-p', join(this.folder, 'tsconfig.check.json'), ...options]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function compile(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, ...args], { cwd: root, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}` || `tsc exited with ${status}`;
}
