import { visibleLines } from './visible.ts';

/** What went wrong, as `OnnxCamError.code` says it; the names stay. */
export type ErrorCode =
  /** The command line was called with arguments that it does not have. */
  | 'ERR_USAGE'
  /** An option, argument or value of the call makes no sense; an unknown name comes with the nearest known ones. */
  | 'ERR_OPTION_INVALID'
  /** There is no file at the path of the model. */
  | 'ERR_MODEL_NOT_FOUND'
  /** The bytes are no ONNX model, or a damaged one. */
  | 'ERR_MODEL_INVALID'
  /**
   * A sound model that this library cannot work with: what it would need, or a bound that it exceeds, is in the
   * message.
   */
  | 'ERR_MODEL_UNSUPPORTED'
  /** Weights in other files are missing, too short, or outside the model's folder. */
  | 'ERR_EXTERNAL_DATA'
  /** The network has no layer with positions that a map could be made from. */
  | 'ERR_NO_SPATIAL_LAYER'
  /** No layer has this name or number, or it cannot be used for this method and score. */
  | 'ERR_LAYER_NOT_FOUND'
  /**
   * An operator between layer and score has no derivative here; the message names it, and methods that work without.
   */
  | 'ERR_NO_GRADIENT'
  /** No method has this name. */
  | 'ERR_METHOD_UNKNOWN'
  /** No metric has this name. */
  | 'ERR_METRIC_UNKNOWN'
  /** Masks, boxes or labels that say where objects are cannot be read or do not fit the picture. */
  | 'ERR_TRUTH_INVALID'
  /** The method does not fit this model, layer, target or input. */
  | 'ERR_METHOD_UNSUPPORTED'
  /** No class has this label, or several have, or the target does not fit the output. */
  | 'ERR_TARGET_UNKNOWN'
  /** The output has fewer classes than the index says. */
  | 'ERR_TARGET_RANGE'
  /** There is no picture at this path, in this folder or for this glob. */
  | 'ERR_IMAGE_NOT_FOUND'
  /** The bytes are no picture, a damaged one, or one of more pixels than `limitInputPixels` allows. */
  | 'ERR_IMAGE_INVALID'
  /** A tensor, map or batch does not have the type or shape that is needed. */
  | 'ERR_INPUT_SHAPE'
  /** A file or folder could not be written. */
  | 'ERR_OUTPUT'
  /** An execution provider is not there, or does not run on this machine. */
  | 'ERR_PROVIDER_UNAVAILABLE'
  /** ONNX Runtime failed; its own text is in the message. */
  | 'ERR_RUNTIME'
  /** ONNX Runtime's library is missing, too old, or not for this platform; the message says where it was looked for. */
  | 'ERR_RUNTIME_NOT_FOUND'
  /** Memory of the machine or the GPU does not suffice. */
  | 'ERR_OUT_OF_MEMORY'
  /** As many calls as `maxQueue` allows are pending: try again when one has settled. */
  | 'ERR_BUSY'
  /** A queue of work: its address, its server, what lies in it, or a worker of another version. */
  | 'ERR_QUEUE'
  /** The explainer was disposed before, or while the call ran. */
  | 'ERR_DISPOSED'
  /** The native part of this package is missing or does not load. */
  | 'ERR_ADDON'
  /** The call's signal fired; the error's name is `AbortError`, its cause the signal's reason. */
  | 'ERR_ABORTED';

/** On every copy of the class: the addon, which a process has once, makes errors of the copy that was loaded last. */
const BRAND = Symbol.for('onnx-cam.error');

/**
 * Every error this library throws: `code` is stable, `message` says what was expected, what came and what to do. Names in it
 * may come from a stranger's file: what would act on a terminal is escaped.
 */
export class OnnxCamError extends Error {
  /** Which of the known faults this is. */
  readonly code: ErrorCode;

  /**
   * For code that answers in the library's place, such as a `truth` function.
   * @param message its control characters are shown, not sent
   * @param options `cause`: what led to it
   */
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
