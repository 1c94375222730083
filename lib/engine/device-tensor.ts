import { addon } from './addon.ts';
import type { CancellationHandle, NativeTensor, SessionHandle } from './native-engine.ts';

/** Opaque to JavaScript. */
export type DeviceHandle = { readonly __device: never };

/** One reduction of feature maps on a device; native/device/device_features.hpp says what each does. */
export interface DeviceReduction {
  readonly kind:
    | 'means'
    | 'sum-product'
    | 'sum-positive-product'
    | 'sum-positive-gradient'
    | 'paper'
    | 'pgc'
    | 'torchcam'
    | 'xgrad'
    | 'component-largest'
    | 'component-activation';
  readonly shape: readonly [images: number, channels: number, positions: number];
  readonly activations: DeviceHandle;
  readonly activationImages: number;
  /** Gradients on the same device, channel weights in the CPU's memory, or nothing. */
  readonly factors: DeviceHandle | Float32Array | null;
  readonly factorImages: number;
  readonly lazy: boolean;
  readonly epsilon: number;
  readonly guard: boolean;
  readonly centre: boolean;
}

interface NativeDevice {
  runKept(
    session: SessionHandle,
    inputs: readonly NativeTensor[],
    fetches: readonly string[],
    keep: Uint8Array,
    cancellation?: CancellationHandle,
  ): Promise<readonly (NativeTensor | (Pick<NativeTensor, 'type' | 'dims'> & { readonly handle: DeviceHandle }))[]>;
  readKept(handle: DeviceHandle): Promise<Float32Array<ArrayBuffer>>;
  releaseKept(handle: DeviceHandle): void;
  reduceKept(request: DeviceReduction, cancellation?: CancellationHandle): Promise<Float32Array<ArrayBuffer>>;
}

export const nativeDevice = (): NativeDevice => addon<NativeDevice>();

/**
 * A float32 tensor in a GPU's memory. Kernels take it by its handle; `read` copies it to the CPU, for what has no kernel
 * there.
 */
export class DeviceTensor {
  readonly type = 'float32';
  readonly dims: readonly number[];
  readonly handle: DeviceHandle;
  #reading: Promise<Float32Array> | undefined;
  #data: Float32Array | undefined;

  constructor(handle: DeviceHandle, dims: readonly number[]) {
    this.handle = handle;
    this.dims = dims;
  }

  /** The values, copied once. @throws `ERR_RUNTIME` of the device, `ERR_OUT_OF_MEMORY` */
  read(): Promise<Float32Array> {
    this.#reading ??= this.#read();
    return this.#reading;
  }

  async #read(): Promise<Float32Array> {
    this.#data = await nativeDevice().readKept(this.handle);
    return this.#data;
  }

  /** What `read` has copied: waiting for a device here would hold up the event loop. */
  get data(): Float32Array {
    if (!this.#data) throw new TypeError('a tensor on a device must be read before its data is asked for');
    return this.#data;
  }

  /** Gives the device's memory back; of the tensor only what was copied before can be read then. */
  release(): void {
    nativeDevice().releaseKept(this.handle);
  }
}
