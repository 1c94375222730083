import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { addonError, libcHere } from '../../lib/engine/addon-error.ts';

/** A package's folder with binaries for these platforms, and a folder that holds none. */
function packageWith(...platforms: string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'onnx-cam-addon-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  if (platforms.length > 0) mkdirSync(join(root, 'prebuilds/empty-x64'), { recursive: true });
  for (const platform of platforms) {
    mkdirSync(join(root, 'prebuilds', platform));
    writeFileSync(join(root, 'prebuilds', platform, 'onnx-cam.node'), '');
  }
  return root;
}

const NONE = new Error('No native build was found for platform=linux arch=x64 runtime=node\n    loaded from: /app\n');

describe('an addon that cannot be loaded', () => {
  test('says where, why and which binaries there are', () => {
    const root = packageWith('win32-x64', 'linux-x64');
    const error = addonError(NONE, { root, platform: 'freebsd-x64', libc: '' });
    expect(error).toMatchObject({ code: 'ERR_ADDON', cause: NONE });
    expect(error.message).toBe(
      'the native addon could not be loaded on freebsd-x64: No native build was found for platform=linux arch=x64 runtime=node; ' +
        'the package has prebuilt binaries for linux-x64, win32-x64. None is for freebsd-x64: build it here, in a checkout of the ' +
        'repository (npm run build:native; a C++20 compiler and CMake are needed), and let the environment variable ' +
        'ONNX_CAM_PREBUILD name that folder.',
    );
  });

  test.each([
    [
      'glibc too old',
      "/a.node: /lib/libc.so.6: version `GLIBC_2.36' not found",
      'linux-x64',
      'glibc 2.31',
      /\(glibc 2\.31\): .*GLIBC_2\.36.*The binary needs a newer glibc, 2\.36 at least/,
    ],
    [
      'C++ library too old',
      "/a.node: version `GLIBCXX_3.4.30' not found",
      'linux-x64',
      'glibc 2.31',
      /newer C\+\+ library/,
    ],
    [
      'musl',
      'Error loading shared library ld-linux-x86-64.so.2',
      'linux-x64',
      'musl 1.2.5',
      /\(musl 1\.2\.5\).*instead of Alpine/,
    ],
    ['another processor', NONE.message, 'linux-riscv64', 'glibc 2.39', /None is for linux-riscv64: build it/],
    [
      'an Intel Mac',
      NONE.message,
      'darwin-x64',
      '',
      /None is for darwin-x64: run a Node of one of these platforms, or build/,
    ],
    [
      'a damaged file',
      '/a.node: file too short',
      'linux-x64',
      'glibc 2.39',
      /may be damaged or blocked: install onnx-cam again/,
    ],
  ])('%s', (_, reason, platform, libc, expected) => {
    const root = packageWith('linux-x64', 'darwin-arm64');
    expect(addonError(new Error(reason), { root, platform, libc }).message).toMatch(expected);
  });

  test('binaries for several processors in one folder', () => {
    const root = packageWith('darwin-x64+arm64');
    const { message } = addonError(new Error('blocked'), { root, platform: 'darwin-arm64', libc: '' });
    expect(message).toMatch(/binaries for darwin-x64\+arm64\. Its file may be damaged/);
  });

  test('no binaries at all', () => {
    const { message } = addonError(NONE, { root: packageWith(), platform: 'linux-x64', libc: 'glibc 2.39' });
    expect(message).toMatch(
      /there are no prebuilt binaries in .*prebuilds\. A bundler or a copy left them out: keep onnx-cam external/,
    );
  });

  test.runIf(process.platform === 'linux')('the C library of this system', () => {
    expect(libcHere()).toMatch(/^(glibc|musl) \d+\.\d+/);
  });
});
