import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { addon } from './addon.ts';
import { gpuInfo } from './gpu.ts';

/** One thing that CUDA sessions need. */
export interface Requirement {
  readonly name: string;
  readonly found: boolean;
  /** What was found, or why not. */
  readonly detail: string;
  /** How to get it; absent when it is there. */
  readonly advice?: string;
}

/** The npm package with the CUDA provider of the ONNX Runtime version that the lock file pins. */
const PROVIDER_PACKAGE = 'com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9';
const PROVIDER_FOLDER = 'node_modules/com.github.asus4.onnxruntime.linux-x64-gpu/Plugins/Linux/x64';
const PROVIDERS =
  process.platform === 'win32'
    ? ['onnxruntime_providers_shared.dll', 'onnxruntime_providers_cuda.dll']
    : ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

/** What the provider of ONNX Runtime 1.29 names, should its file not say. */
const DEFAULT_LIBRARIES = ['libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13', 'libcurand.so.10'];
/** Opened when the first convolution runs, so no file names it. */
const CUDNN = 'libcudnn.so.9';

/**
 * What CUDA needs on Linux and Windows besides ONNX Runtime itself, in the order in which it is looked for: driver and
 * device, the provider's files beside ONNX Runtime's library, and the libraries that the provider is linked to.
 * @param libraryPath ONNX Runtime's shared library
 */
export async function cudaRequirements(libraryPath: string): Promise<Requirement[]> {
  const folder = dirname(libraryPath);
  const provider = join(folder, PROVIDERS[1]!);
  const missing = PROVIDERS.filter(name => !existsSync(join(folder, name)));
  const requirements = [await driver(), await device(), await kernels(), providerFiles(folder, missing, libraryPath)];
  if (process.platform !== 'linux') return requirements;
  const named = missing.length === 0 ? await namedLibraries(provider) : DEFAULT_LIBRARIES;
  const libraries = [...(named.length > 0 ? named : DEFAULT_LIBRARIES), CUDNN];
  const reasons = await whyNotLoadable(libraries);
  return [...requirements, ...libraries.map((name, i) => libraryRequirement(name, reasons[i]!))];
}

async function driver(): Promise<Requirement> {
  const name = process.platform === 'win32' ? 'nvcuda.dll' : 'libcuda.so.1';
  const [reason] = await whyNotLoadable([name]);
  const { driverVersion } = await gpuInfo();
  if (reason === '')
    return { name: 'driver', found: true, detail: driverVersion ? `for CUDA up to ${driverVersion}` : name };
  const advice =
    'install the NVIDIA driver (580 or newer for CUDA 13); in a container, start it with the GPUs ' +
    '(docker run --gpus all, with the NVIDIA Container Toolkit on the host)';
  return { name: 'driver', found: false, detail: reason!, advice };
}

async function device(): Promise<Requirement> {
  const { built, devices, error } = await gpuInfo();
  const names = devices.map(({ name, computeCapability }) => `${name} (compute capability ${computeCapability})`);
  if (names.length > 0) return { name: 'device', found: true, detail: names.join(', ') };
  const advice = 'check that nvidia-smi lists a device and that CUDA_VISIBLE_DEVICES does not hide it';
  return {
    name: 'device',
    found: false,
    detail: built ? error : 'not asked: the addon has no kernels for GPUs',
    advice,
  };
}

async function kernels(): Promise<Requirement> {
  const { built, runtimeVersion } = await gpuInfo();
  if (built) return { name: 'kernels', found: true, detail: `CUDA ${runtimeVersion}` };
  const advice =
    'models run on the GPU without them, but masks and scores then cross the bus; build the addon where nvcc is found ' +
    '(npm run build:native)';
  return { name: 'kernels', found: false, detail: 'this build of the addon has none', advice };
}

function providerFiles(folder: string, missing: readonly string[], libraryPath: string): Requirement {
  if (missing.length === 0) return { name: 'provider', found: true, detail: join(folder, PROVIDERS[1]!) };
  const advice =
    process.platform === 'linux' && process.arch === 'x64'
      ? `npm install --ignore-scripts ${PROVIDER_PACKAGE} && ln -s "$PWD"/${PROVIDER_FOLDER}/libonnxruntime_providers_*.so ` +
        `"${folder}" (built for ONNX Runtime 1.29.0 and CUDA 13), or name a folder with ONNX Runtime and its CUDA provider ` +
        'by the option libraryPath or the environment variable ONNX_CAM_ORT_LIBRARY'
      : 'name a folder with a CUDA build of ONNX Runtime by the option libraryPath or the environment variable ' +
        'ONNX_CAM_ORT_LIBRARY';
  return { name: 'provider', found: false, detail: `not beside ${libraryPath}: ${missing.join(', ')}`, advice };
}

function libraryRequirement(name: string, reason: string): Requirement {
  if (reason === '') return { name, found: true, detail: 'can be loaded' };
  const advice = name.startsWith('libcudnn')
    ? 'install cuDNN 9 for the same CUDA (apt: cudnn9-cuda-13; pip: nvidia-cudnn-cu13) and put its folder into ' +
      'LD_LIBRARY_PATH or the loader’s cache (ldconfig)'
    : 'install the CUDA libraries of that version (apt: cuda-libraries-13-0; pip: nvidia-cuda-runtime nvidia-cublas ' +
      'nvidia-curand) and put their folder into LD_LIBRARY_PATH or the loader’s cache (ldconfig)';
  return { name, found: false, detail: reason, advice };
}

/** CUDA libraries whose names stand in the provider's table of needed libraries, which is near the file's beginning. */
async function namedLibraries(provider: string): Promise<string[]> {
  const HEAD = 4 * 2 ** 20;
  const file = await open(provider, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    const names = buffer.toString('latin1', 0, bytesRead).matchAll(/\0(libcu(?!da\.)[A-Za-z]+\.so\.\d+)(?=\0)/g);
    return [...new Set(Array.from(names, ([, name]) => name!))];
  } finally {
    await file.close();
  }
}

function whyNotLoadable(names: readonly string[]): Promise<string[]> {
  return addon<{ whyNotLoadable(names: readonly string[]): Promise<string[]> }>().whyNotLoadable(names);
}
