import { addon } from './addon.ts';

/** The addon's functions for sessions; native/binding/engine.cpp says what each does. */
export interface NativeEngine {
  runtimeInfo(libraryPath: string): Promise<RuntimeInfo>;
  createSession(
    libraryPath: string,
    model: Uint8Array,
    config: NativeConfig,
    cancellation?: CancellationHandle,
  ): Promise<NativeSession>;
  run(
    session: SessionHandle,
    /** In the session's order. */
    inputs: readonly NativeTensor[],
    fetches: readonly string[],
    owned: readonly (NativeTensor | null)[],
    copyOutputs: boolean,
    cancellation?: CancellationHandle,
  ): Promise<(NativeTensor | null)[]>;
  disposeSession(session: SessionHandle): Promise<void>;
  createCancellation(): CancellationHandle;
  cancel(cancellation: CancellationHandle): void;
}

/** Opaque to JavaScript. */
export type SessionHandle = { readonly __session: never };
export type CancellationHandle = { readonly __cancellation: never };

export interface RuntimeInfo {
  /** ONNX Runtime's own version, e.g. "1.29.0". */
  readonly version: string;
  /** The C API version in use: the lower of the library's and this build's. */
  readonly apiVersion: number;
  /** The shared library's file. */
  readonly path: string;
  /** Execution providers compiled in, e.g. "CPUExecutionProvider"; a device may still be missing. */
  readonly providers: readonly string[];
}

/** `type` is ONNX's number. */
export interface NativeTensor {
  readonly type: number;
  readonly data: ArrayBufferView;
  readonly dims: readonly number[];
}

export interface NativeValueInfo {
  readonly name: string;
  readonly kind: number;
  readonly type: number;
  readonly dims: readonly (number | string)[];
}

export interface NativeSession {
  readonly handle: SessionHandle;
  readonly version: string;
  readonly inputs: readonly NativeValueInfo[];
  readonly outputs: readonly NativeValueInfo[];
  readonly warnings: readonly string[];
  /** An execution provider other than the CPU's is in use. */
  readonly accelerated: boolean;
  /** Native loops keep their batches in a device's memory. */
  readonly onDevice: boolean;
}

export interface KeyValue<T = string> {
  readonly key: string;
  readonly value: T;
}

/** Mirrors `SessionConfig` in native/engine/session_config.hpp; every field is given. */
export interface NativeConfig {
  readonly providers: readonly { readonly name: string; readonly options: readonly KeyValue[] }[];
  readonly optimizationLevel: number;
  readonly intraOpThreads: number;
  readonly interOpThreads: number;
  readonly parallel: boolean;
  readonly cpuArena: boolean;
  readonly memoryPattern: boolean;
  readonly logId: string;
  readonly logSeverity: number;
  readonly logVerbosity: number;
  readonly profilePrefix?: string;
  readonly optimizedModelPath?: string;
  readonly freeDimensions: readonly KeyValue<number>[];
  readonly entries: readonly KeyValue[];
  readonly externalFiles: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

export function nativeEngine(): NativeEngine {
  return addon<NativeEngine>();
}
