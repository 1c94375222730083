import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cudaRequirements } from '../../lib/engine/cuda-requirements.ts';
import { resolveLibrary } from '../../lib/engine/library.ts';
import { Session } from '../../lib/engine/session.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel } from '../helpers/model-builder.ts';

const MODEL = buildModel({
  nodes: [makeNode('Relu', ['x'], ['y'])],
  inputs: [{ name: 'x', dims: ['N', 3] }],
  outputs: [{ name: 'y', dims: ['N', 3] }],
});
const linux = process.platform === 'linux';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-cam-cuda-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the folder of ONNX Runtime', () => {
  it('may be named instead of the file', async () => {
    const named = join(folder, 'ort');
    await mkdir(named);
    expect(() => resolveLibrary(named)).toThrow(expect.objectContaining({ code: 'ERR_RUNTIME_NOT_FOUND' }));
    const original = resolveLibrary();
    expect(resolveLibrary(dirname(original))).toBe(original);
  });
});

describe.runIf(linux)('what CUDA needs', () => {
  const find = async (libraryPath: string) => {
    const requirements = await cudaRequirements(libraryPath);
    return new Map(requirements.map(requirement => [requirement.name, requirement]));
  };

  it('names the files that are not beside the library, and how to get them', async () => {
    const path = join(folder, 'libonnxruntime.so.1');
    const provider = (await find(path)).get('provider')!;
    expect(provider).toMatchObject({ found: false });
    expect(provider.detail).toContain('libonnxruntime_providers_cuda.so');
    expect(provider.advice).toMatch(process.arch === 'x64' ? /npm install .*linux-x64-gpu@0\.4\.9/ : /libraryPath/);
    expect(provider.advice).toContain(process.arch === 'x64' ? folder : 'ONNX_CAM_ORT_LIBRARY');
  });

  it('reads the libraries from the provider, and says which are missing', async () => {
    const named = join(folder, 'beside');
    await mkdir(named);
    // The names as they stand in a file's table, one after the other.
    const table = ['', 'libcublasNowhere.so.99', 'libcudartNowhere.so.99', 'libcuda.so.1', 'libm.so.6', ''].join('\0');
    await writeFile(join(named, 'libonnxruntime_providers_cuda.so'), table);
    await writeFile(join(named, 'libonnxruntime_providers_shared.so'), '');
    const found = await find(join(named, 'libonnxruntime.so.1'));
    expect(found.get('provider')!.found).toBe(true);
    expect([...found.keys()]).toEqual([
      ...['driver', 'device', 'kernels', 'provider'],
      ...['libcublasNowhere.so.99', 'libcudartNowhere.so.99', 'libcudnn.so.9'],
    ]);
    const { found: there, detail, advice } = found.get('libcublasNowhere.so.99')!;
    expect(there).toBe(false);
    expect(detail).toContain('cannot open shared object file');
    expect(advice).toContain('LD_LIBRARY_PATH');
  });
});

describe('a provider that cannot be used', () => {
  // A copy of the library without any provider beside it has no CUDA on any machine.
  const bare = async () => {
    const path = join(folder, 'bare', 'libonnxruntime.so.1');
    await mkdir(dirname(path), { recursive: true });
    await copyFile(resolveLibrary(), path);
    return path;
  };

  it.runIf(linux)('is an error with the reason and where to look, or a warning with the CPU listed', async () => {
    const libraryPath = await bare();
    const failed = Session.create(MODEL, { executionProviders: ['cuda'], libraryPath });
    await expect(failed).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' });
    await expect(failed).rejects.toThrow(/onnx-cam doctor.*libonnxruntime_providers_shared/);
    const session = await Session.create(MODEL, { executionProviders: ['cuda', 'cpu'], libraryPath });
    expect(session.warnings).toEqual([expect.stringContaining('libonnxruntime_providers_shared')]);
    expect(session.accelerated).toBe(false);
    expect(session.onDevice).toBe(false);
    await session.dispose();
  });
});
