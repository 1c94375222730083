import { createRequire } from 'node:module';
import { type ErrorCode, OnnxCamError } from '../common/errors.ts';
import { packageRoot } from '../common/package-root.ts';

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];
const require = createRequire(import.meta.url);

interface Errors {
  setErrorFactory(factory: (code: ErrorCode, message: string) => OnnxCamError): void;
}

let loaded: unknown;

/**
 * The native addon: a prebuilt binary of the package, or the one built in `build/Release`.
 * @throws `ERR_ADDON` with the list of platforms and how to build, when none can be loaded.
 */
export function addon<T>(): T {
  if (loaded === undefined) {
    try {
      loaded = require('node-gyp-build')(packageRoot);
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
