import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot, packageVersion, prebuiltAddon, resolvePackage } from '#package';
import manifest from '../../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the files of the package', () => {
  it('are found from its folder', () => {
    expect(join(packageRoot, '/')).toBe(root);
    expect(packageVersion()).toBe(manifest.version);
    expect(resolvePackage('onnxruntime-node')).toBe(join(root, 'node_modules/onnxruntime-node/dist/index.js'));
  });

  it('have a binary for each platform that has ONNX Runtime', () => {
    for (const platform of ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'])
      expect(prebuiltAddon(platform)).toContain(join(root, 'prebuilds', platform, 'onnx-cam.'));
    expect(prebuiltAddon('freebsd-x64')).toBeUndefined();
  });
});

/** The published files without a binary, as a bundler that knows nothing of it leaves them. */
describe('a copy of the package', () => {
  let folder: string;
  const program = `import('onnx-cam/kernels').then(kernels => console.log(kernels.kernelTier()))
    .catch(error => console.log(error.code, error.message))`;
  const run = async (env = {}) => {
    const options = { cwd: folder, env: { ...process.env, ...env } };
    return (await promisify(execFile)(process.execPath, ['-e', program], options)).stdout;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'onnx-cam-addon-'));
    const copy = join(folder, 'node_modules/onnx-cam');
    await mkdir(copy, { recursive: true });
    for (const name of ['dist', 'package.json', 'package-files.js'])
      await cp(join(root, name), join(copy, name), { recursive: true });
    await symlink(join(root, 'node_modules/detect-libc'), join(folder, 'node_modules/detect-libc'), 'junction');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('says which binary it lacks', async () => {
    const said = await run();
    expect(said).toContain('ERR_ADDON');
    const name = `${process.platform}-${process.arch}`;
    expect(said).toContain(`${join('onnx-cam', 'prebuilds', name)}`);
    expect(said).toContain('does not exist');
  });

  it('takes the one of a checkout that the environment names', async () => {
    expect(await run({ ONNX_CAM_PREBUILD: root })).toMatch(/^(scalar|neon|sse|avx)/);
  });
});
