import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { familySync, GLIBC, versionSync } from 'detect-libc';
import { packageRoot } from '#package';
import { OnnxCamError } from '../common/errors.ts';

/** Where the addon could not be loaded. */
export interface Place {
  /** The package's folder, in which `prebuilds` lies. */
  readonly root: string;
  /** E.g. "linux-x64". */
  readonly platform: string;
  /** The C library on Linux, e.g. "glibc 2.31" or "musl 1.2.5"; empty elsewhere. */
  readonly libc: string;
}

const BUILD =
  'build it here, in a checkout of the repository (npm run build:native; a C++20 compiler and CMake are needed), and let the ' +
  'environment variable ONNX_CAM_PREBUILD name that folder';

/**
 * `ERR_ADDON` for an addon that cannot be loaded: on which platform, why, for which platforms the package has binaries, and what
 * to do about it.
 * @param cause what the loader threw
 */
export function addonError(cause: unknown, place: Place = here()): OnnxCamError {
  const { root, platform, libc } = place;
  const reason = String((cause as Error)?.message ?? cause).split('\n')[0]!;
  const binaries = prebuilt(root);
  const held =
    binaries.length === 0
      ? `there are no prebuilt binaries in ${join(root, 'prebuilds')}`
      : `the package has prebuilt binaries for ${binaries.join(', ')}`;
  return new OnnxCamError(
    'ERR_ADDON',
    `the native addon could not be loaded on ${platform}${libc && ` (${libc})`}: ${reason}; ${held}. ` +
      `${capital(advice(reason, binaries, place))}.`,
    { cause },
  );
}

function advice(reason: string, binaries: readonly string[], { platform, libc }: Place): string {
  if (binaries.length === 0)
    return `a bundler or a copy left them out: keep onnx-cam external and its whole folder beside the program; without binaries ${BUILD}`;
  if (libc.startsWith('musl'))
    return `the binaries for Linux need glibc, and so does ONNX Runtime's: use an image with glibc (Debian, Ubuntu) instead of Alpine`;
  if (!binaries.some(name => serves(name, platform)))
    return `none is for ${platform}: ${/^(darwin|linux|win32)-(x64|arm64)$/.test(platform) ? 'run a Node of one of these platforms, or ' : ''}${BUILD}`;
  const needed = /GLIBC_([\d.]+)/.exec(reason)?.[1];
  if (needed !== undefined)
    return `the binary needs a newer glibc, ${needed} at least: use a newer system or image, or ${BUILD}`;
  if (/GLIBCXX_|CXXABI_|libstdc\+\+/.test(reason))
    return `the binary needs a newer C++ library: use a newer system or image, or ${BUILD}`;
  return `its file may be damaged or blocked: install onnx-cam again, or ${BUILD}`;
}

/** Whether a folder of prebuilds ("linux-x64", "darwin-x64+arm64") is for a platform. */
function serves(folder: string, platform: string): boolean {
  const [system, processors = ''] = folder.split('-');
  return processors.split('+').some(processor => `${system}-${processor}` === platform);
}

/** The folders of `prebuilds` that hold a binary. */
function prebuilt(root: string): string[] {
  const list = (folder: string) => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  const folder = join(root, 'prebuilds');
  return list(folder)
    .filter(name => list(join(folder, name)).some(file => file.endsWith('.node')))
    .sort();
}

function here(): Place {
  return {
    root: process.env.ONNX_CAM_PREBUILD || packageRoot,
    platform: `${process.platform}-${process.arch}`,
    libc: libcHere(),
  };
}

/** The C library of this process on Linux, with its version; empty elsewhere. */
export function libcHere(): string {
  const family = familySync();
  if (family === null) return '';
  return [family === GLIBC ? 'glibc' : family, versionSync()].filter(Boolean).join(' ');
}

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);
