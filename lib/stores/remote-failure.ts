/**
 * What a server's answer, or its silence, means: nothing is there, it is not allowed, it may go well later, or something else.
 */
export type FailureKind = 'missing' | 'refused' | 'temporary' | 'other';

/** Why something on a server cannot be read or written, without secrets; who asked makes an `OnnxCamError` of it. */
export class RemoteFailure extends Error {
  readonly kind: FailureKind;
  /** Milliseconds after which the server wants to be asked again, where it says so. */
  readonly retryAfter: number | undefined;

  constructor(kind: FailureKind, message: string, options: { cause?: unknown; retryAfter?: number | undefined } = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.retryAfter = options.retryAfter;
  }
}
