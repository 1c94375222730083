import { OnnxCamError } from '../common/errors.ts';
import { libcHere } from './addon-error.ts';

/** The command that brings ONNX Runtime. */
const INSTALL =
  process.platform === 'linux' && process.arch === 'x64'
    ? 'npm install onnxruntime-node (behind a proxy with ONNXRUNTIME_NODE_INSTALL=skip in the environment, which keeps its ' +
      'script from downloading CUDA libraries)'
    : 'npm install onnxruntime-node';

/** What helps where that has no library. */
export const NAME_ONE =
  "name ONNX Runtime's shared library with the option libraryPath or the environment variable ONNX_CAM_ORT_LIBRARY";

/**
 * @param what what was looked for, and where; without a full stop
 * @param why.advice what to do; by default, how to get one
 */
export function runtimeNotFound(
  what: string,
  { advice = `install it: ${INSTALL}, or ${NAME_ONE}`, cause }: { advice?: string; cause?: unknown } = {},
): OnnxCamError {
  return new OnnxCamError('ERR_RUNTIME_NOT_FOUND', `${what}; ${advice}`, { cause });
}

/** Opens the library natively; what the loader says is followed by what to do about it. */
export async function orRuntimeNotFound<T>(opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    if (!(error instanceof OnnxCamError) || error.code !== 'ERR_RUNTIME_NOT_FOUND') throw error;
    throw runtimeNotFound(withoutRepeats(error.message), { advice: remedy(error.message), cause: error });
  }
}

/** Loaders begin with the path that has been named already. */
function withoutRepeats(message: string): string {
  return message.replace(/ from (.+): \1: /, ' from $1: ');
}

/** What to do about a library that is there and cannot be opened, by the words of the systems' loaders. */
export function remedy(message: string, libc = libcHere()): string {
  const isPackages = /[\\/]onnxruntime-node[\\/]/.test(message);
  const another = isPackages ? `${INSTALL}, or ${NAME_ONE}` : 'or none: then the one inside onnxruntime-node is used';
  if (/its version is/.test(message))
    return isPackages ? `install a newer one: ${another}` : `name a newer one, ${another}`;
  if (/OrtGetApiBase|cannot dynamically load/.test(message))
    return `it is no ONNX Runtime: ${NAME_ONE}, ${isPackages ? 'or install onnxruntime-node again' : another}`;
  const glibc = /GLIBC_([\d.]+)/.exec(message)?.[1];
  if (glibc !== undefined)
    return `it needs glibc ${glibc}, this system has ${libc || 'another C library'}: use a newer system or image, an older ONNX Runtime, or ${NAME_ONE}`;
  if (libc.startsWith('musl'))
    return `ONNX Runtime's own libraries need glibc, this system has ${libc}: use an image with glibc (Debian, Ubuntu), or ${NAME_ONE}`;
  // glibc says of a library for another processor that there is no such file.
  const foreign = / from (.+): \1: cannot open shared object file/.test(message);
  if (
    foreign ||
    /invalid ELF|wrong ELF|file too short|not a mach-o|incompatible architecture|error 193/i.test(message)
  ) {
    const platform = `${process.platform}-${process.arch}`;
    return `it is damaged, or no library for ${platform}: ${isPackages ? `install it again: ${another}` : `name another one, ${another}`}`;
  }
  return `something that it needs may be missing on this system: install that, or ${NAME_ONE}`;
}
