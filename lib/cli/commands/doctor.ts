import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { packageVersion } from '#package';
import { cudaRequirements, type Requirement } from '../../engine/cuda-requirements.ts';
import { gpuInfo } from '../../engine/gpu.ts';
import { resolveLibrary, runtimeInfo } from '../../engine/library.ts';
import type { RuntimeInfo } from '../../engine/native-engine.ts';
import { Session } from '../../engine/session.ts';
import { loadSharp } from '../../image/sharp.ts';
import { kernelTier } from '../../kernels/tier.ts';
import type { CommandContext } from '../context.ts';
import { bundledFile } from '../package.ts';
import { jsonLines } from '../run/json-lines.ts';
import { EXIT, type Failure, failureOf } from '../tell/failure.ts';

/** What `doctor` found; also its JSON. */
export interface Diagnosis {
  readonly versions: { readonly 'onnx-cam': string; readonly node: string };
  readonly platform: string;
  /** Instruction set that the kernels use. */
  readonly cpu: { readonly tier: string } | { readonly error: Failure };
  readonly onnxruntime: RuntimeInfo | { readonly error: Failure };
  /** What decodes pictures; its platform's binary is an optional dependency that an install may have left out. */
  readonly sharp: { readonly version: string; readonly libvips: string } | { readonly error: Failure };
  readonly gpu: GpuFinding;
  /** What to do, one sentence each; empty when all is well. */
  readonly advice: readonly string[];
}

export interface GpuFinding {
  readonly found: boolean;
  /** Names of NVIDIA devices. */
  readonly devices: readonly string[];
  /** Whether a session on the CUDA provider could be made. */
  readonly usable: boolean;
  readonly error?: Failure;
  /** What CUDA sessions need, and whether it is there; empty where there is no CUDA. */
  readonly requirements: readonly Requirement[];
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
      await context.console.print(...(json ? jsonLines(diagnosis) : diagnosisLines(diagnosis)));
      const { cpu, onnxruntime, sharp } = diagnosis;
      finish([cpu, onnxruntime, sharp].some(part => 'error' in part) ? EXIT.inputsFailed : EXIT.done);
    });
}

async function diagnose(): Promise<Diagnosis> {
  const [cpu, onnxruntime, sharp, gpu] = await Promise.all([
    orFailure(async () => ({ tier: kernelTier() })),
    orFailure(() => runtimeInfo()),
    orFailure(findSharp),
    findGpu(),
  ]);
  return {
    versions: { 'onnx-cam': packageVersion(), node: process.versions.node },
    platform: `${process.platform}-${process.arch}`,
    cpu,
    onnxruntime,
    sharp,
    gpu,
    advice: advise({ cpu, onnxruntime, sharp, gpu }),
  };
}

/** What to do about each thing that is missing. */
export function advise({
  cpu,
  onnxruntime,
  sharp,
  gpu,
}: Pick<Diagnosis, 'cpu' | 'onnxruntime' | 'sharp' | 'gpu'>): string[] {
  const advice = [cpu, onnxruntime, sharp].flatMap(found => ('error' in found ? found.error.message : []));
  if (advice.length === 0 && wantsGpu(gpu) && !gpu.usable) {
    advice.push(
      gpu.error
        ? `There is a GPU, but it cannot be used (the CPU works): ${gpu.error.message}`
        : 'There is a CUDA provider, but no GPU that it can use (the CPU works).',
    );
    for (const { name, detail, advice: how } of gpu.requirements)
      if (how) advice.push(`Missing for the GPU: ${name} (${detail}). To get it: ${how}.`);
  }
  // Without the addon both say the same.
  return [...new Set(advice)];
}

function diagnosisLines({ versions, platform, cpu, onnxruntime, sharp, gpu, advice }: Diagnosis): string[] {
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
    ['sharp', 'error' in sharp ? `not loaded (${sharp.error.code})` : `${sharp.version} (libvips ${sharp.libvips})`],
    ['GPU', gpu.found ? `${gpu.devices.join(', ')}${gpu.usable ? '' : ' (cannot be used)'}` : 'none'],
    ...(wantsGpu(gpu)
      ? gpu.requirements.map(({ name, found, detail }): [string, string] => [
          `  ${name}`,
          found ? detail : `missing: ${detail}`,
        ])
      : []),
  ];
  const table = rows.map(([name, value]) => `${name.padEnd(12)} ${value}`);
  return [...table, '', ...(advice.length > 0 ? advice : ['All is well.'])];
}

async function orFailure<T>(find: () => Promise<T>): Promise<T | { readonly error: Failure }> {
  try {
    return await find();
  } catch (error) {
    return { error: failureOf(error) };
  }
}

async function findSharp(): Promise<{ version: string; libvips: string }> {
  const { versions } = await loadSharp();
  return { version: versions.sharp ?? '?', libvips: versions.vips };
}

/** People without a GPU need not read what one would need; a CUDA provider that somebody has put there says otherwise. */
function wantsGpu({ found, requirements }: GpuFinding): boolean {
  return found || requirements.some(({ name, found: there }) => name === 'provider' && there);
}

async function requirementsHere(): Promise<Requirement[]> {
  if (process.platform !== 'linux' && process.platform !== 'win32') return [];
  try {
    return await cudaRequirements(resolveLibrary());
  } catch {
    // Without addon or ONNX Runtime there is nothing to look for; both are reported elsewhere.
    return [];
  }
}

/** Whether ONNX Runtime lists a provider says little: only a session shows that its libraries and driver are there. */
async function findGpu(): Promise<GpuFinding> {
  const requirements = await requirementsHere();
  const devices = await nvidiaDevices();
  if (devices.length === 0) return { found: false, devices, usable: false, requirements };
  const session = await orFailure(async () =>
    Session.create(await readFile(bundledFile('assets/efficientnet-lite0.onnx')), { executionProviders: ['cuda'] }),
  );
  if ('error' in session) return { found: true, devices, usable: false, error: session.error, requirements };
  await session.dispose();
  return { found: true, devices, usable: true, requirements };
}

/** Names of NVIDIA devices as CUDA gives them, or the driver's own tool; none where there is no driver. */
async function nvidiaDevices(): Promise<string[]> {
  try {
    const { devices } = await gpuInfo();
    if (devices.length > 0) return devices.map(({ name }) => name);
  } catch {
    // Without the addon the tool may still know.
  }
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
