import type { OnnxCamError } from './errors.ts';

/**
 * Packages that users install beside this one, for what needs them alone.
 * @param missing makes the error, which names the command that installs them, of what Node says is not there
 * @throws what `missing` makes; what a package that is there throws
 */
export async function optionalPackage<T>(
  load: () => Promise<T>,
  missing: (reason: string, cause: unknown) => OnnxCamError,
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    const [reason] = (cause as Error).message.split('\n');
    throw missing(reason!, cause);
  }
}
