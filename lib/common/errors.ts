import { visibleLines } from './visible.ts';

export type ErrorCode =
  | 'ERR_USAGE'
  | 'ERR_OPTION_INVALID'
  | 'ERR_MODEL_NOT_FOUND'
  | 'ERR_MODEL_INVALID'
  | 'ERR_MODEL_UNSUPPORTED'
  | 'ERR_EXTERNAL_DATA'
  | 'ERR_NO_SPATIAL_LAYER'
  | 'ERR_LAYER_NOT_FOUND'
  | 'ERR_NO_GRADIENT'
  | 'ERR_METHOD_UNKNOWN'
  | 'ERR_METRIC_UNKNOWN'
  | 'ERR_TRUTH_INVALID'
  | 'ERR_METHOD_UNSUPPORTED'
  | 'ERR_TARGET_UNKNOWN'
  | 'ERR_TARGET_RANGE'
  | 'ERR_IMAGE_NOT_FOUND'
  | 'ERR_IMAGE_INVALID'
  | 'ERR_INPUT_SHAPE'
  | 'ERR_OUTPUT'
  | 'ERR_PROVIDER_UNAVAILABLE'
  | 'ERR_RUNTIME'
  | 'ERR_RUNTIME_NOT_FOUND'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_BUSY'
  | 'ERR_DISPOSED'
  | 'ERR_ADDON'
  | 'ERR_ABORTED';

/** On every copy of the class: the addon, which a process has once, makes errors of the copy that was loaded last. */
const BRAND = Symbol.for('onnx-cam.error');

/**
 * Every error this library throws: `code` is stable, `message` says what was expected, what came and what to do. Names in it
 * may come from a stranger's file: what would act on a terminal is escaped.
 */
export class OnnxCamError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(visibleLines(message), options);
    this.name = code === 'ERR_ABORTED' ? 'AbortError' : 'OnnxCamError';
    this.code = code;
  }
}

// `instanceof` says yes to the errors of another copy too: of a test runner's realm, of a second installation.
Object.defineProperty(OnnxCamError.prototype, BRAND, { value: true });
Object.defineProperty(OnnxCamError, Symbol.hasInstance, {
  value(value: unknown): boolean {
    if (this === OnnxCamError) return typeof value === 'object' && value !== null && BRAND in value;
    return Function.prototype[Symbol.hasInstance].call(this, value);
  },
});

/** Throws `ERR_ABORTED` (an `AbortError`) when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

export function abortError(signal?: AbortSignal): OnnxCamError {
  return new OnnxCamError('ERR_ABORTED', 'the operation was aborted', { cause: signal?.reason });
}
