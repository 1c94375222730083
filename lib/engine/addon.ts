import { createRequire } from 'node:module';
import { type ErrorCode, OnnxCamError } from '../common/errors.ts';
import { packageRoot } from '../common/package-root.ts';
import { addonError } from './addon-error.ts';

const require = createRequire(import.meta.url);

interface Errors {
  setErrorFactory(factory: (code: ErrorCode, message: string) => OnnxCamError): void;
}

let loaded: unknown;

/**
 * The native addon: a prebuilt binary of the package, or the one built in `build/Release`.
 * @throws `ERR_ADDON` with reason and advice, when none can be loaded.
 */
export function addon<T>(): T {
  if (loaded === undefined) {
    try {
      loaded = require('node-gyp-build')(packageRoot);
      (loaded as Errors).setErrorFactory((code, message) => new OnnxCamError(code, message));
    } catch (cause) {
      throw addonError(cause);
    }
  }
  return loaded as T;
}
