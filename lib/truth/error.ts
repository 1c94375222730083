import { OnnxCamError } from '../common/errors.ts';

/** @param from file and place there, such as `boxes.csv:12` */
export function invalidTruth(from: string, message: string, cause?: unknown): OnnxCamError {
  return new OnnxCamError('ERR_TRUTH_INVALID', `truth ${from}: ${message}`, { cause });
}
