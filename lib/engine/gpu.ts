import { addon } from './addon.ts';

/** What this build and machine have of CUDA. */
export interface GpuInfo {
  /** Whether the addon holds the kernels for GPUs: whoever built it had a CUDA compiler. */
  readonly built: boolean;
  /** Version of the CUDA runtime inside the addon, e.g. "13.0"; empty without the kernels. */
  readonly runtimeVersion: string;
  /** The newest CUDA that the driver supports; empty without a driver. */
  readonly driverVersion: string;
  readonly devices: readonly {
    readonly name: string;
    /** E.g. "9.0". */
    readonly computeCapability: string;
    readonly memoryBytes: number;
  }[];
  /** Why there are no devices, in CUDA's words; empty where there are some or nobody could ask. */
  readonly error: string;
}

/** Asks CUDA for its devices, off the event loop. Whatever goes wrong there means that there is none. */
export function gpuInfo(): Promise<GpuInfo> {
  return addon<{ gpuInfo(): Promise<GpuInfo> }>().gpuInfo();
}
