import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot, prebuiltAddon } from '#package';
import { type ErrorCode, OnnxCamError } from '../common/errors.ts';

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

interface Errors {
  setErrorFactory(factory: (code: ErrorCode, message: string) => OnnxCamError): void;
}

let loaded: unknown;

/**
 * The native addon: the one built in a checkout (this, or the one that the environment variable `ONNX_CAM_PREBUILD` names),
 * else the package's prebuilt binary.
 * @throws `ERR_ADDON` with the list of platforms and how to build, when none can be loaded.
 */
export function addon<T>(): T {
  if (loaded === undefined) {
    try {
      const file = addonFile();
      loaded = createRequire(file)(file);
      (loaded as Errors).setErrorFactory((code, message) => new OnnxCamError(code, message));
    } catch (cause) {
      throw new OnnxCamError(
        'ERR_ADDON',
        `the native addon could not be loaded for ${process.platform}-${process.arch}; prebuilt binaries exist for ` +
          `${PLATFORMS.join(', ')}. To build it here: run "npm run build:native" in a checkout of the repository ` +
          `(a C++20 compiler and CMake are needed). Reason: ${(cause as Error).message.split('\n')[0]}`,
        { cause },
      );
    }
  }
  return loaded as T;
}

/** @throws Error where there is none */
function addonFile(): string {
  const platform = `${process.platform}-${process.arch}`;
  const built = join(process.env.ONNX_CAM_PREBUILD || packageRoot, 'build', 'Release', 'onnx_cam.node');
  if (existsSync(built)) return built;
  const file = prebuiltAddon(platform);
  if (file === undefined) throw new Error(`there is none for ${platform}`);
  if (!existsSync(file)) throw new Error(`${file} does not exist`);
  return file;
}
