// One AbortSignal for a request: it fires when nobody waits for the answer any more, or when its time is over. Everything that takes long
// listens to it: reading the body, waiting for a model, the model itself.
//
// Fastify's own request.signal and handlerTimeout don't do for uploads: they take a body that was read to its end for a client that has left
// (5.12.8).
import { Busy, Refusal } from './errors.js';

export class Patience {
  #milliseconds;
  #waiting = new Set();

  /** @param milliseconds of a request */
  constructor(milliseconds) {
    this.#milliseconds = milliseconds;
  }

  /** @returns a signal whose reason is a Refusal: 504 after the time, 499 where the client is gone, 503 where the service ends */
  of(reply) {
    const controller = new AbortController();
    const late = () =>
      controller.abort(new Refusal(504, 'ERR_ABORTED', `not done within ${this.#milliseconds / 1000} s`));
    const timer = setTimeout(late, this.#milliseconds);
    this.#waiting.add(controller);
    reply.raw.once('close', () => {
      clearTimeout(timer);
      this.#waiting.delete(controller);
      if (!reply.raw.writableFinished) controller.abort(new Refusal(499, 'ERR_ABORTED', 'the client has left'));
    });
    return controller.signal;
  }

  /** Ends all requests. */
  end() {
    for (const controller of this.#waiting) controller.abort(new Busy('shutdown', 'the service ends: try again'));
  }
}

/** The promise, for as long as the signal has not fired; what it is for goes on for others. @throws the signal's reason */
export async function whilePatient(promise, signal) {
  signal.throwIfAborted();
  let leave;
  const left = new Promise((_, reject) => {
    leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave);
  });
  try {
    return await Promise.race([promise, left]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
