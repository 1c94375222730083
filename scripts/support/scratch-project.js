import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An ES module project in a temporary folder, with packages installed by npm. */
export class ScratchProject {
  /** @throws Error with what npm says */
  constructor(name, packages) {
    this.folder = mkdtempSync(join(tmpdir(), `onnx-cam-${name}-`));
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const options = ['--ignore-scripts', '--install-links', '--no-audit', '--no-fund'];
    const { status, stderr } = this.run('npm', ['install', ...options, ...packages]);
    if (status !== 0) throw new Error(stderr);
  }

  run(command, args, env = {}) {
    const options = { cwd: this.folder, encoding: 'utf8', shell: process.platform === 'win32' };
    return spawnSync(command, args, { ...options, env: { ...process.env, ...env } });
  }

  /** Says how many of the attempts failed by the exit code, and keeps the folder where one did. */
  end(failed) {
    if (failed === 0) rmSync(this.folder, { recursive: true });
    else console.error(`left in ${this.folder}`);
    process.exitCode = failed === 0 ? 0 : 1;
  }
}
