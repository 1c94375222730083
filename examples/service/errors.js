// What went wrong, as HTTP says it: whose fault it is decides the status, and whether the same request may succeed later.

/** What the service itself refuses. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

/** What there is no room for; the same request may succeed soon. */
export class Busy extends Refusal {
  /** @param reason what is full: a label of the metrics */
  constructor(reason, message) {
    super(503, 'ERR_BUSY', message);
    this.reason = reason;
  }
}

/** The library's codes; those that are not here are 500. */
const STATUS = {
  ERR_OPTION_INVALID: 400,
  ERR_METHOD_UNKNOWN: 400,
  ERR_TARGET_UNKNOWN: 400,
  ERR_TARGET_RANGE: 400,
  ERR_LAYER_NOT_FOUND: 400,
  ERR_METHOD_UNSUPPORTED: 422,
  ERR_NO_GRADIENT: 422,
  ERR_NO_SPATIAL_LAYER: 422,
  ERR_IMAGE_INVALID: 422,
  ERR_INPUT_SHAPE: 422,
  ERR_BUSY: 503,
  ERR_DISPOSED: 503,
  ERR_OUT_OF_MEMORY: 503,
  ERR_ABORTED: 504,
};

/** Fastify's own refusals, and those of the form's parser, by their status. */
const CODES = {
  400: 'ERR_REQUEST',
  404: 'ERR_NOT_FOUND',
  406: 'ERR_NOT_ACCEPTABLE',
  408: 'ERR_TOO_SLOW',
  413: 'ERR_TOO_LARGE',
  414: 'ERR_TOO_LARGE',
  415: 'ERR_MEDIA_TYPE',
};

const MEDIA_TYPES = 'send the picture as image/… or application/octet-stream, or in a form (multipart/form-data)';
const BUSY = 'the service has as much to do as it can: try again in a while';

/** What clients are told instead of the messages for the people who run the service, in which paths and settings stand. */
const MESSAGES = {
  ERR_BUSY: BUSY,
  ERR_OUT_OF_MEMORY: BUSY,
  ERR_DISPOSED: 'the service is shutting down: try again',
  ERR_ABORTED: 'there was no time left for this request',
};

/** Of the library's codes that are 503. */
const REASONS = { ERR_BUSY: 'queue', ERR_DISPOSED: 'shutdown', ERR_OUT_OF_MEMORY: 'memory' };

/** @returns what a client is told of an error, { status, code, message }, and of a 503 the `reason` */
export function answerOf(error, requestId) {
  // What the library ended because a signal fired has the signal's reason as its cause.
  const refusal = error.code === 'ERR_ABORTED' && error.cause instanceof Refusal ? error.cause : error;
  if (refusal instanceof Refusal) {
    const { status, code, message, reason } = refusal;
    return { status, code, message, reason };
  }
  if (error.validation) return { status: 400, code: 'ERR_OPTION_INVALID', message: error.message };
  const { code, message, statusCode } = error;
  const status = STATUS[code];
  if (status) return { status, code, message: MESSAGES[code] ?? message, reason: REASONS[code] };
  if (statusCode === 415) return { status: 415, code: CODES[415], message: MEDIA_TYPES };
  if (statusCode >= 400 && statusCode < 500)
    return { status: statusCode, code: CODES[statusCode] ?? 'ERR_REQUEST', message };
  return { status: 500, code: 'ERR_INTERNAL', message: `the service failed; its log says why, at ${requestId}` };
}
