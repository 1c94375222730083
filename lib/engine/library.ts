import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { packageRoot, resolvePackage } from '#package';
import { OnnxCamError } from '../common/errors.ts';
import { nativeEngine, type RuntimeInfo } from './native-engine.ts';
import { NAME_ONE, orRuntimeNotFound, runtimeNotFound } from './runtime-not-found.ts';

/** File names in order of preference: first the one that onnxruntime-node's own binding opens. */
const LIBRARY_NAMES: Partial<Record<NodeJS.Platform, RegExp[]>> = {
  linux: [/^libonnxruntime\.so\.1$/, /^libonnxruntime\.so(\.\d+)+$/],
  darwin: [/^libonnxruntime\.1\.dylib$/, /^libonnxruntime(\.\d+)+\.dylib$/],
  win32: [/^onnxruntime\.dll$/],
};

const ANY_LIBRARY = /^(lib)?onnxruntime\..*(so|dylib|dll)/;
const LIBRARY_FORM =
  { win32: 'onnxruntime.dll', darwin: 'libonnxruntime.*.dylib' }[process.platform as string] ?? 'libonnxruntime.so.*';

/**
 * The ONNX Runtime library to open: `libraryPath`, else the environment variable `ONNX_CAM_ORT_LIBRARY` (a file, or the
 * folder that it lies in), else the one inside onnxruntime-node. Opening the very file that onnxruntime-node uses lets both share one copy.
 * @throws `ERR_RUNTIME_NOT_FOUND` when what is named does not exist or onnxruntime-node has none, `ERR_OPTION_INVALID` for no path
 */
export function resolveLibrary(libraryPath?: string): string {
  const named = libraryPath ?? (process.env.ONNX_CAM_ORT_LIBRARY || undefined);
  if (named === undefined) return bundledLibrary();
  if (typeof named !== 'string')
    throw new OnnxCamError('ERR_OPTION_INVALID', `\`libraryPath\` must be a path, not ${typeof named}`);
  const path = resolve(named);
  const origin = libraryPath === undefined ? 'the environment variable ONNX_CAM_ORT_LIBRARY' : 'libraryPath';
  if (!existsSync(path))
    throw runtimeNotFound(`${origin} names ${path}, which does not exist or cannot be reached`, {
      advice: "give the path of ONNX Runtime's shared library, or leave it out to use the one inside onnxruntime-node",
    });
  return statSync(path).isDirectory() ? libraryIn(path, origin) : path;
}

/** ONNX Runtime's library in a folder that the user names, where its providers lie as well. */
function libraryIn(folder: string, origin: string): string {
  const file = libraryFile(folder);
  if (file !== undefined) return file;
  throw runtimeNotFound(`${origin} names the folder ${folder}, which holds no ONNX Runtime library (${LIBRARY_FORM})`, {
    advice: 'providers are looked for beside it, so copy or link it there, or name the file',
  });
}

/**
 * Version, path and execution providers of the ONNX Runtime library that sessions would use.
 * @throws `ERR_RUNTIME_NOT_FOUND`, `ERR_ADDON`
 */
export async function runtimeInfo(libraryPath?: string): Promise<RuntimeInfo> {
  return orRuntimeNotFound(nativeEngine().runtimeInfo(resolveLibrary(libraryPath)));
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
  bundled ??= libraryOf(bundledPackage());
  return bundled;
}

/**
 * The folder of onnxruntime-node.
 * @throws `ERR_RUNTIME_NOT_FOUND` when it is not installed
 */
export function bundledPackage(find = () => resolvePackage('onnxruntime-node')): string {
  try {
    return dirname(dirname(find())); // of dist/index.js
  } catch (cause) {
    throw runtimeNotFound(
      `ONNX Runtime was not found: the package onnxruntime-node cannot be resolved from ${packageRoot}`,
      { cause },
    );
  }
}

/**
 * The library inside a copy of onnxruntime-node.
 * @throws `ERR_RUNTIME_NOT_FOUND` when it has none for this platform
 */
export function libraryOf(root: string): string {
  const bin = join(root, 'bin');
  const versions = folders(bin).filter(name => name.startsWith('napi-v'));
  for (const version of versions) {
    const folder = join(bin, version, process.platform, process.arch);
    const file = existsSync(folder) ? libraryFile(folder) : undefined;
    if (file !== undefined) return file;
  }
  const held = versions.flatMap(version => platformsIn(join(bin, version)));
  const platform = `${process.platform}-${process.arch}`;
  throw runtimeNotFound(
    `ONNX Runtime was not found: onnxruntime-node in ${root} has no library for ${platform} ` +
      `(${join('bin', 'napi-v*', process.platform, process.arch, LIBRARY_FORM)}), but for ${held.join(', ') || 'no platform'}`,
    { advice: `install another version of it, or the same again if files are missing, or ${NAME_ONE}` },
  );
}

/** Platforms that a folder holds ONNX Runtime's library for. */
function platformsIn(folder: string): string[] {
  return folders(folder).flatMap(system =>
    folders(join(folder, system))
      .filter(processor => readdirSync(join(folder, system, processor)).some(name => ANY_LIBRARY.test(name)))
      .map(processor => `${system}-${processor}`),
  );
}

function folders(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? entry.name : []));
}
