import { basename, dirname } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';

type Reasons = Readonly<Record<string, string>>;

/** What failed, and with it what to do about it, wherever the file is. */
const REASONS: Reasons = {
  EACCES: 'no permission to write there',
  EPERM: 'no permission to write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the file name is too long',
};

/** The error of a file that could not be written. */
export function outputError(path: string, cause: NodeJS.ErrnoException): OnnxCamError {
  return failedWrite(path, cause, {
    ENOENT: `the folder ${dirname(path)} does not exist`,
    ENOTDIR: `${dirname(path)} is not a folder`,
    EISDIR: `${basename(path)} is a folder`,
  });
}

/** The error of a folder that could not be made, or in which no file could be made. */
export function folderError(folder: string, cause: NodeJS.ErrnoException): OnnxCamError {
  return failedWrite(`to the folder ${folder}`, cause, {
    // The folders above it exist by then: some file systems (/proc) answer so to whoever wants to make anything.
    ENOENT: 'nothing can be made there',
    ENOTDIR: `${cause.path ?? folder} is not a folder`,
  });
}

function failedWrite(what: string, cause: NodeJS.ErrnoException, reasons: Reasons): OnnxCamError {
  const reason = { ...REASONS, ...reasons }[cause.code ?? ''] ?? cause.message;
  return new OnnxCamError('ERR_OUTPUT', `cannot write ${what}: ${reason}`, { cause });
}
