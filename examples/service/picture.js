// The body of a request: a picture as it is, or a form with a picture and fields. It is held in memory, so three things bound it: the bytes
// of one request, those of all requests together, and the request's time. A client that sends slowly holds the few bytes that it has sent,
// and nobody waits for it.
import { Busy, Refusal } from './errors.js';
import { whilePatient } from './patience.js';

/** What a form adds to its picture. */
const FORM_BYTES = 65_536;
const FORM = { files: 1, fields: 16, parts: 17, fieldNameSize: 100, fieldSize: 1000, headerPairs: 20 };
/** The bytes are counted here, as they come. */
const LIMITS = { ...FORM, fileSize: Number.POSITIVE_INFINITY };

/** Bytes of bodies, of each request and of all together. */
export class HeldBytes {
  held = 0;
  #most;
  #mostEach;

  constructor({ maxHeld, maxBody }) {
    this.#most = maxHeld;
    this.#mostEach = maxBody;
  }

  /** @throws 413 for what is too large by its own account, before a byte of it is read */
  checkLength({ headers }) {
    if (Number(headers['content-length'] ?? 0) > this.#mostEach + FORM_BYTES) throw this.#tooLarge();
  }

  /** @returns what counts the bytes of a request, until it is answered or the client is gone */
  counter(reply) {
    let own = 0;
    reply.raw.once('close', () => {
      this.held -= own;
      own = 0;
    });
    /** @throws 413, 503 */
    return bytes => {
      if (own + bytes > this.#mostEach) throw this.#tooLarge();
      if (this.held + bytes > this.#most) throw new Busy('bytes', 'too many uploads at once: try again in a while');
      own += bytes;
      this.held += bytes;
    };
  }

  #tooLarge() {
    return new Refusal(413, 'ERR_TOO_LARGE', `the picture has more than ${this.#mostEach} bytes`);
  }
}

/**
 * Reads the body.
 * @param count gets the bytes of each chunk before it is kept, and throws where they are too many
 * @returns { picture: Buffer, fields } with the fields of a form
 * @throws 400 without a picture, 408, 413, 503
 */
export async function readBody(request, { count, signal }) {
  const { raw } = request;
  try {
    const reading = request.isMultipart()
      ? readForm(request, count)
      : readAll(raw, count).then(picture => ({ picture }));
    const { picture, fields = {} } = await whilePatient(reading, signal);
    if (!picture?.length) throw new Refusal(400, 'ERR_REQUEST', 'there is no picture in the body');
    return { picture, fields };
  } catch (error) {
    // What is still on its way is let go by: on a connection that is cut off the answer would be lost.
    raw.unpipe();
    raw.resume();
    if (signal.aborted && signal.reason.status === 504)
      throw new Refusal(408, 'ERR_TOO_SLOW', 'the body did not arrive in time');
    if (error instanceof Refusal || error.statusCode) throw error;
    throw new Refusal(400, 'ERR_REQUEST', `the body cannot be read: ${error.message}`);
  }
}

async function readForm(request, count) {
  const fields = {};
  let picture;
  for await (const part of request.parts({ limits: LIMITS })) {
    if (part.type === 'file') picture = await readAll(part.file, count);
    else fields[part.fieldname] = part.value;
  }
  return { picture, fields };
}

async function readAll(stream, count) {
  const chunks = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    count(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
