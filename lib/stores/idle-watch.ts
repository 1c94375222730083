import { onAbort } from '../common/abort-listeners.ts';
import { abortError, OnnxCamError } from '../common/errors.ts';
import { RemoteFailure } from './remote-failure.ts';

/** Seconds. */
const STANDARD = 30;

/**
 * Milliseconds without a byte after which a server counts as hanging: 30 s, or as many as `ONNX_CAM_NETWORK_TIMEOUT` says.
 * @throws `ERR_OPTION_INVALID`
 */
export function networkTimeout(): number {
  const text = process.env.ONNX_CAM_NETWORK_TIMEOUT || String(STANDARD);
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400))
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `ONNX_CAM_NETWORK_TIMEOUT is "${text}", expected a number of seconds such as ${STANDARD}`,
    );
  return seconds * 1000;
}

/** Ends what waits for a server that says nothing any more, or for nobody any more. */
export class IdleWatch {
  readonly #controller = new AbortController();
  readonly #limit = networkTimeout();
  #timer: NodeJS.Timeout | undefined;
  readonly #forget: () => void;

  /** @param signal of whoever waits */
  constructor(signal: AbortSignal | undefined) {
    this.#forget = signal ? onAbort(signal, () => this.#controller.abort(abortError(signal))) : () => {};
    this.touch();
  }

  /** Fires with the error that says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something came, or went: the time begins anew. @param further milliseconds that are given besides */
  touch(further = 0): void {
    clearTimeout(this.#timer);
    const limit = this.#limit + further;
    const silence = () =>
      this.#controller.abort(new RemoteFailure('temporary', `the server was silent for ${limit / 1000} s`));
    this.#timer = setTimeout(silence, limit);
  }

  /** Chunks as they come. @throws what the signal fires with, and the source throws */
  async *watched(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.touch();
      yield chunk;
      this.signal.throwIfAborted();
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#forget();
  }
}
