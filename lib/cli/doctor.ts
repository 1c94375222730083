import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { runtimeInfo } from '../engine/library.ts';
import type { RuntimeInfo } from '../engine/native.ts';
import { kernelTier } from '../kernels/tier.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type Failure, failureOf } from './failure.ts';
import { packageVersion } from './package.ts';

/** What `doctor` found; also its JSON. */
export interface Diagnosis {
  readonly versions: { readonly 'onnx-cam': string; readonly node: string };
  readonly platform: string;
  /** Instruction set that the kernels use. */
  readonly cpu: { readonly tier: string } | { readonly error: Failure };
  readonly onnxruntime: RuntimeInfo | { readonly error: Failure };
  readonly gpu: { readonly found: boolean; readonly devices: readonly string[]; readonly usable: boolean };
  /** What to do, one sentence each; empty when all is well. */
  readonly advice: readonly string[];
}

/** `onnx-cam doctor`: can it work here, and if not, why. */
export function addDoctor(program: Command, context: CommandContext, finish: (code: number) => void): void {
  program
    .command('doctor')
    .summary('check this installation')
    .description('Checks this installation: versions, CPU tier, ONNX Runtime library and providers, GPU, what to do.')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const diagnosis = await diagnose();
      await context.console.print(json ? JSON.stringify(diagnosis, null, 2) : diagnosisText(diagnosis));
      finish('error' in diagnosis.cpu || 'error' in diagnosis.onnxruntime ? EXIT.inputsFailed : EXIT.done);
    });
}

async function diagnose(): Promise<Diagnosis> {
  const [cpu, onnxruntime, devices] = await Promise.all([
    orFailure(async () => ({ tier: kernelTier() })),
    orFailure(() => runtimeInfo()),
    nvidiaDevices(),
  ]);
  const providers = 'error' in onnxruntime ? [] : onnxruntime.providers;
  const gpu = { found: devices.length > 0, devices, usable: devices.length > 0 && providers.includes(CUDA) };
  return {
    versions: { 'onnx-cam': packageVersion(), node: process.versions.node },
    platform: `${process.platform}-${process.arch}`,
    cpu,
    onnxruntime,
    gpu,
    advice: advise({ cpu, onnxruntime, gpu }),
  };
}

const CUDA = 'CUDAExecutionProvider';

function advise({ cpu, onnxruntime, gpu }: Pick<Diagnosis, 'cpu' | 'onnxruntime' | 'gpu'>): string[] {
  const advice: string[] = [];
  if ('error' in cpu) advice.push(cpu.error.message);
  // Without the addon nothing can be said about the library, and the message would be the same.
  if ('error' in onnxruntime && !('error' in cpu && cpu.error.message === onnxruntime.error.message))
    advice.push(onnxruntime.error.message);
  if (gpu.found && !gpu.usable && !('error' in onnxruntime))
    advice.push(
      `There is a GPU, but this ONNX Runtime library has no ${CUDA}. To use the GPU, name a CUDA build of ONNX Runtime ` +
        `${onnxruntime.version} in the environment variable ONNX_CAM_ORT_LIBRARY and pass --provider cuda.`,
    );
  return advice;
}

function diagnosisText({ versions, platform, cpu, onnxruntime, gpu, advice }: Diagnosis): string {
  const rows: [string, string][] = [
    ['onnx-cam', versions['onnx-cam']],
    ['node', `${versions.node} (${platform})`],
    ['kernels', 'error' in cpu ? `not loaded (${cpu.error.code})` : cpu.tier],
    ...('error' in onnxruntime
      ? ([['onnxruntime', `not loaded (${onnxruntime.error.code})`]] as [string, string][])
      : ([
          ['onnxruntime', `${onnxruntime.version} (C API ${onnxruntime.apiVersion})`],
          ['library', onnxruntime.path],
          ['providers', onnxruntime.providers.join(', ')],
        ] as [string, string][])),
    ['GPU', gpu.found ? `${gpu.devices.join(', ')}${gpu.usable ? '' : ' (not used)'}` : 'none'],
  ];
  const table = rows.map(([name, value]) => `${name.padEnd(12)} ${value}`).join('\n');
  return [table, '', ...(advice.length > 0 ? advice : ['All is well.'])].join('\n');
}

async function orFailure<T>(find: () => Promise<T>): Promise<T | { readonly error: Failure }> {
  try {
    return await find();
  } catch (error) {
    return { error: failureOf(error) };
  }
}

/** Names of NVIDIA devices as the driver's own tool gives them; none where there is no driver. */
async function nvidiaDevices(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], {
      timeout: 10_000,
      windowsHide: true,
    });
    return stdout
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '');
  } catch {
    return [];
  }
}
