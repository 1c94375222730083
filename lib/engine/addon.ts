import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot, prebuiltAddon } from '#package';
import { type ErrorCode, OnnxCamError } from '../common/errors.ts';
import { addonError } from './addon-error.ts';

interface Errors {
  setErrorFactory(factory: (code: ErrorCode, message: string) => OnnxCamError): void;
}

let loaded: unknown;

/**
 * The native addon: the one built in a checkout (this, or the one that the environment variable `ONNX_CAM_PREBUILD` names),
 * else the package's prebuilt binary.
 * @throws `ERR_ADDON` with reason and advice, when none can be loaded.
 */
export function addon<T>(): T {
  if (loaded === undefined) {
    try {
      const file = addonFile();
      loaded = createRequire(file)(file);
      (loaded as Errors).setErrorFactory((code, message) => new OnnxCamError(code, message));
    } catch (cause) {
      throw addonError(cause);
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
