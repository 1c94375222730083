import { OnnxCamError } from '../common/errors.ts';

export function queueError(message: string, cause?: unknown): OnnxCamError {
  return new OnnxCamError('ERR_QUEUE', message, { cause });
}
