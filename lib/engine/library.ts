import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { resolvePackage } from '#package';
import { OnnxCamError } from '../common/errors.ts';
import { nativeEngine, type RuntimeInfo } from './native-engine.ts';

/** File names in order of preference: first the one that onnxruntime-node's own binding opens. */
const LIBRARY_NAMES: Partial<Record<NodeJS.Platform, RegExp[]>> = {
  linux: [/^libonnxruntime\.so\.1$/, /^libonnxruntime\.so(\.\d+)+$/],
  darwin: [/^libonnxruntime\.1\.dylib$/, /^libonnxruntime(\.\d+)+\.dylib$/],
  win32: [/^onnxruntime\.dll$/],
};

/**
 * The ONNX Runtime library to open: `libraryPath`, else the environment variable `ONNX_CAM_ORT_LIBRARY` (a file, or the
 * folder that it lies in), else the one inside onnxruntime-node. Opening the very file that onnxruntime-node uses lets both share one copy.
 * @throws `ERR_OPTION_INVALID` when a named file does not exist, `ERR_RUNTIME` when onnxruntime-node has none.
 */
export function resolveLibrary(libraryPath?: string): string {
  const named = libraryPath ?? (process.env.ONNX_CAM_ORT_LIBRARY || undefined);
  if (named === undefined) return bundledLibrary();
  if (typeof named !== 'string')
    throw new OnnxCamError('ERR_OPTION_INVALID', `\`libraryPath\` must be a path, not ${typeof named}`);
  const path = resolve(named);
  if (!existsSync(path)) {
    const origin = libraryPath === undefined ? 'the environment variable ONNX_CAM_ORT_LIBRARY' : 'libraryPath';
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `${origin} names ${path}, which does not exist; give the path of ONNX Runtime's shared library, ` +
        'or leave it out to use the one inside onnxruntime-node',
    );
  }
  return statSync(path).isDirectory() ? libraryIn(path) : path;
}

/** ONNX Runtime's library in a folder that the user names, where its providers lie as well. */
function libraryIn(folder: string): string {
  const file = libraryFile(folder);
  if (file !== undefined) return file;
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `the folder ${folder} holds no ONNX Runtime library; providers are looked for beside it, so copy or link it there`,
  );
}

/** Version, path and execution providers of the ONNX Runtime library that sessions would use. */
export async function runtimeInfo(libraryPath?: string): Promise<RuntimeInfo> {
  return nativeEngine().runtimeInfo(resolveLibrary(libraryPath));
}

function libraryFile(folder: string): string | undefined {
  const files = readdirSync(folder);
  for (const pattern of LIBRARY_NAMES[process.platform] ?? []) {
    const file = files.find(name => pattern.test(name));
    if (file !== undefined) return join(folder, file);
  }
  return undefined;
}

let bundled: string | undefined;

function bundledLibrary(): string {
  bundled ??= findBundledLibrary();
  return bundled;
}

function findBundledLibrary(): string {
  const platform = `${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(resolvePackage('onnxruntime-node'))); // of dist/index.js
  } catch (cause) {
    throw new OnnxCamError(
      'ERR_RUNTIME',
      'the package onnxruntime-node was not found; install it (npm install --ignore-scripts onnxruntime-node), or ' +
        'name an ONNX Runtime library with the option libraryPath or the environment variable ONNX_CAM_ORT_LIBRARY',
      { cause },
    );
  }
  const bin = join(root, 'bin');
  const versions = existsSync(bin) ? readdirSync(bin).filter(name => name.startsWith('napi-v')) : [];
  for (const version of versions) {
    const folder = join(bin, version, process.platform, process.arch);
    if (!existsSync(folder)) continue;
    const file = libraryFile(folder);
    if (file !== undefined) return file;
  }
  throw new OnnxCamError(
    'ERR_RUNTIME',
    `onnxruntime-node in ${root} has no library for ${platform}; name one with the option libraryPath or the ` +
      'environment variable ONNX_CAM_ORT_LIBRARY',
  );
}
