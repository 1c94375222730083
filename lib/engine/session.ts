import { OnnxCamError } from '../common/errors.ts';
import { isUint8Array } from '../common/kinds.ts';
import { toStableView } from './buffers.ts';
import { withSignal } from './cancellation.ts';
import { DeviceTensor, nativeDevice } from './device-tensor.ts';
import { valueType } from './element-type.ts';
import { readFeeds, readFetches, type ValueMeta } from './feeds.ts';
import { resolveLibrary } from './library.ts';
import {
  type NativeSession,
  type NativeTensor,
  type NativeValueInfo,
  nativeEngine,
  type SessionHandle,
} from './native-engine.ts';
import { orRuntimeNotFound } from './runtime-not-found.ts';
import { type SessionOptions, toNativeConfig } from './session-options.ts';
import type { Tensor, TensorType } from './tensor.ts';

export type { ValueMeta } from './feeds.ts';
export type { SessionOptions } from './session-options.ts';

export interface RunOptions {
  /** Ends the run between two operators; a queued run is never begun. */
  signal?: AbortSignal;
  /** Tensors of the right type and shape that outputs are written into, by output name. */
  outputs?: Readonly<Record<string, Tensor>>;
  /** Copies the inputs first, so that they may be written to or transferred while the run is under way. */
  copyInputs?: boolean;
  /**
   * Copies the outputs out of ONNX Runtime's memory instead of sharing it, as runtimes such as Electron force. Shared
   * outputs cannot be transferred to other threads by Node 22 and newer.
   */
  copyOutputs?: boolean;
}

/**
 * A loaded model on ONNX Runtime, run off the event loop. Several runs may be under way at once.
 *
 * Inputs are read where they are: until the promise settles, do not write to them and do not transfer their buffers
 * (views over resizable buffers are copied by themselves, all others with `copyInputs`).
 */
export class Session {
  readonly inputs: readonly ValueMeta[];
  readonly outputs: readonly ValueMeta[];
  /** Execution providers that could not be used, one sentence each. */
  readonly warnings: readonly string[];
  /** ONNX Runtime's version. */
  readonly runtimeVersion: string;
  /** An execution provider other than the CPU's is in use. */
  readonly accelerated: boolean;
  /** Native loops keep their batches in a GPU's memory. */
  readonly onDevice: boolean;
  /** The addon's session, for native loops. */
  readonly handle: SessionHandle;
  #disposed: Promise<void> | undefined;

  private constructor(session: NativeSession) {
    this.inputs = session.inputs.map(toMeta);
    this.outputs = session.outputs.map(toMeta);
    this.warnings = session.warnings;
    this.runtimeVersion = session.version;
    this.accelerated = session.accelerated;
    this.onDevice = session.onDevice;
    this.handle = session.handle;
  }

  /**
   * Loads a serialised model. Its bytes and external files are read in place until the promise settles, and not
   * needed afterwards.
   * @throws `ERR_MODEL_INVALID`, `ERR_MODEL_UNSUPPORTED`, `ERR_EXTERNAL_DATA`, `ERR_PROVIDER_UNAVAILABLE`,
   *   `ERR_OPTION_INVALID`, `ERR_OUT_OF_MEMORY`, `ERR_RUNTIME`, `ERR_RUNTIME_NOT_FOUND`, `ERR_ADDON`, `ERR_ABORTED`
   */
  static async create(model: Uint8Array, options: SessionOptions & { signal?: AbortSignal } = {}): Promise<Session> {
    const { signal, ...sessionOptions } = options;
    if (!isUint8Array(model))
      throw new OnnxCamError('ERR_MODEL_INVALID', 'a model must be given as the bytes of an ONNX file (Uint8Array)');
    if (model.byteLength === 0) throw new OnnxCamError('ERR_MODEL_INVALID', 'the model is empty (0 bytes)');
    const config = toNativeConfig(sessionOptions);
    const library = resolveLibrary(sessionOptions.libraryPath);
    const session = await withSignal(signal, cancellation =>
      orRuntimeNotFound(nativeEngine().createSession(library, toStableView(model), config, cancellation)),
    );
    return new Session(session);
  }

  /**
   * Runs the model.
   * @param feeds one tensor per input.
   * @param fetches names of the outputs to compute; what they do not need is still run.
   * @returns the fetched tensors; those given in `options.outputs` are the caller's own.
   * @throws `ERR_OPTION_INVALID`, `ERR_INPUT_SHAPE`, `ERR_MODEL_UNSUPPORTED`, `ERR_RUNTIME` with ONNX Runtime's text,
   *   `ERR_OUT_OF_MEMORY`, `ERR_DISPOSED`, `ERR_ABORTED`
   */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    options: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    const owned = options.outputs ?? {};
    const inputs = readFeeds(this.inputs, feeds, options.copyInputs ?? false);
    const ownedOutputs = readFetches(this.outputs, fetches, owned);
    const held = inputs.concat(ownedOutputs.filter(tensor => tensor !== null));
    const lengths = held.map(tensor => tensor.data.byteLength);
    const results = await withSignal(options.signal, cancellation =>
      nativeEngine().run(this.handle, inputs, fetches, ownedOutputs, options.copyOutputs ?? false, cancellation),
    );
    if (held.some((tensor, index) => tensor.data.byteLength !== lengths[index]))
      throw new OnnxCamError(
        'ERR_RUNTIME',
        'the buffer of a tensor was transferred away while the model was running, so its result cannot be trusted; ' +
          'wait for the run, or set `copyInputs`',
      );
    return Object.fromEntries(
      results.map((result, index) => {
        const name = fetches[index]!;
        return [name, result === null ? owned[name]! : toTensor(result)];
      }),
    );
  }

  /**
   * Runs the model of a session that is `onDevice`, and leaves the float32 outputs named in `kept` in the device's memory.
   * @throws as {@link run}
   */
  async runKept(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    kept: ReadonlySet<string>,
    options: Pick<RunOptions, 'signal'> = {},
  ): Promise<Record<string, Tensor>> {
    const inputs = readFeeds(this.inputs, feeds, false);
    readFetches(this.outputs, fetches, {});
    const keep = Uint8Array.from(fetches, name => (kept.has(name) && this.#isFloat(name) ? 1 : 0));
    const results = await withSignal(options.signal, cancellation =>
      nativeDevice().runKept(this.handle, inputs, fetches, keep, cancellation),
    );
    return Object.fromEntries(
      results.map((result, index) => {
        const tensor = 'handle' in result ? new DeviceTensor(result.handle, result.dims) : toTensor(result);
        return [fetches[index]!, tensor as Tensor];
      }),
    );
  }

  #isFloat(output: string): boolean {
    return this.outputs.some(({ name, type }) => name === output && type === 'float32');
  }

  /**
   * Frees the session. Runs under way finish and return their results; later ones throw `ERR_DISPOSED`.
   * Resolves when this object's share is freed; calling it again does no harm.
   */
  dispose(): Promise<void> {
    this.#disposed ??= nativeEngine().disposeSession(this.handle);
    return this.#disposed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

function toMeta(value: NativeValueInfo): ValueMeta {
  return { name: value.name, type: valueType(value.kind, value.type), dims: value.dims };
}

function toTensor({ type, data, dims }: NativeTensor): Tensor {
  return { type: valueType(1, type) as TensorType, data, dims } as Tensor;
}
