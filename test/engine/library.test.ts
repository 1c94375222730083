import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { bundledPackage, libraryOf, resolveLibrary, runtimeInfo } from '../../lib/engine/library.ts';
import { orRuntimeNotFound, remedy } from '../../lib/engine/runtime-not-found.ts';
import { type ComputedMap, computeMap, load } from '../../lib/index.ts';
import { runHere } from '../cli/harness.ts';
import { residualModel } from '../helpers/small-models.ts';

afterEach(() => {
  delete process.env.ONNX_CAM_ORT_LIBRARY;
});

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-library-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const notFound = (message: RegExp) => ({ code: 'ERR_RUNTIME_NOT_FOUND', message: expect.stringMatching(message) });

test("without a wish it is onnxruntime-node's own file", async () => {
  const info = await runtimeInfo();
  expect(info.path).toMatch(/onnxruntime-node[/\\]bin[/\\]napi-v\d+[/\\]/);
  expect(info.version).toMatch(/^1\.\d+\.\d+/);
  expect(info.apiVersion).toBeGreaterThanOrEqual(18);
  expect(info.providers).toContain('CPUExecutionProvider');
});

test('the option wins over the environment variable, which wins over the package', () => {
  process.env.ONNX_CAM_ORT_LIBRARY = import.meta.filename;
  expect(resolveLibrary()).toBe(import.meta.filename);
  expect(resolveLibrary(process.execPath)).toBe(process.execPath);
  process.env.ONNX_CAM_ORT_LIBRARY = '/nowhere/lib.so';
  expect(() => resolveLibrary()).toThrow(/ONNX_CAM_ORT_LIBRARY names .*nowhere.*does not exist/);
});

describe('without ONNX Runtime', () => {
  test('a path that leads nowhere', async () => {
    const model = residualModel();
    await expect(load(model, { libraryPath: '/nowhere/lib.so' })).rejects.toMatchObject(
      notFound(/^libraryPath names .*nowhere.* does not exist/),
    );
    process.env.ONNX_CAM_ORT_LIBRARY = '/nowhere/lib.so';
    await expect(load(model)).rejects.toMatchObject(notFound(/^the environment variable ONNX_CAM_ORT_LIBRARY names /));
  });

  test('a folder without one', async () => {
    await expect(load(residualModel(), { libraryPath: emptyFolder() })).rejects.toMatchObject(
      notFound(/^libraryPath names the folder .* holds no ONNX Runtime library \((lib)?onnxruntime\./),
    );
  });

  test('the package is not installed', () => {
    const missing = () => {
      throw new Error("Cannot find module 'onnxruntime-node/package.json'");
    };
    expect(() => bundledPackage(missing)).toThrow(
      expect.objectContaining(
        notFound(/onnxruntime-node cannot be resolved from .*npm install onnxruntime-node.*ONNX_CAM_ORT_LIBRARY/),
      ),
    );
  });

  test('the package has none for this platform', () => {
    const root = emptyFolder();
    mkdirSync(join(root, 'bin/napi-v6/plan9/mips'), { recursive: true });
    mkdirSync(join(root, 'bin/napi-v6', process.platform, process.arch), { recursive: true });
    writeFileSync(join(root, 'bin/napi-v6/plan9/mips/libonnxruntime.so.1'), '');
    expect(() => libraryOf(root)).toThrow(
      expect.objectContaining(notFound(/has no library for .*bin.napi-v\*.*but for plan9-mips;/)),
    );
    expect(() => libraryOf(join(root, 'bin'))).toThrow(/but for no platform;/);
  });

  test('a file that is no ONNX Runtime', async () => {
    const text = join(emptyFolder(), 'text');
    writeFileSync(text, 'text '.repeat(100));
    const failing = load(residualModel(), { libraryPath: text });
    await expect(failing).rejects.toMatchObject(
      notFound(/could not be loaded from (.+): (?!\1).*name another one, or none: then/),
    );
    // A library, but another one.
    await expect(runtimeInfo('build/Release/onnx_cam.node')).rejects.toMatchObject(
      notFound(/no function OrtGetApiBase; it is no ONNX Runtime/),
    );
  });

  const foreign = join('node_modules/onnxruntime-node/bin/napi-v6/linux', process.arch === 'x64' ? 'arm64' : 'x64');
  test.runIf(process.platform === 'linux' && existsSync(foreign))('one for another processor', async () => {
    await expect(load(residualModel(), { libraryPath: foreign })).rejects.toMatchObject(
      notFound(/it is damaged, or no library for linux-/),
    );
  });

  test.each([
    ['its version is 1.17.0, 1.18 or newer is needed', 'glibc 2.36', /^name a newer one, or none: then/],
    ["/lib/libc.so.6: version `GLIBC_2.38' not found", 'glibc 2.31', /needs glibc 2\.38, this system has glibc 2\.31/],
    ['Error loading shared library ld-linux-x86-64.so.2', 'musl 1.2.5', /this system has musl 1\.2\.5.*glibc/],
    ['libcuda.so.1: cannot open shared object file', 'glibc 2.36', /may be missing on this system/],
    ['Windows error 193', '', /no library for/],
    ['mach-o file, but is an incompatible architecture', '', /no library for/],
  ])('what to do: %s', (reason, libc, expected) => {
    expect(remedy(`the ONNX Runtime library could not be loaded from a.so: ${reason}`, libc)).toMatch(expected);
  });

  test('of a library inside onnxruntime-node', () => {
    const from = 'could not be loaded from /app/node_modules/onnxruntime-node/bin/a.so: ';
    expect(remedy(`${from}file too short`, '')).toMatch(/install it again: npm install onnxruntime-node.*libraryPath/);
    expect(remedy(`${from}its version is 1.17.0`, '')).toMatch(/install a newer one: npm install onnxruntime-node/);
  });

  test('other errors stay as they are', async () => {
    const other = new OnnxCamError('ERR_MODEL_INVALID', 'no model');
    await expect(orRuntimeNotFound(Promise.reject(other))).rejects.toBe(other);
  });

  test('the command ends with exit 2, doctor tells it', async () => {
    process.env.ONNX_CAM_ORT_LIBRARY = '/nowhere/lib.so';
    const folder = emptyFolder();
    const model = join(folder, 'model.onnx');
    writeFileSync(model, residualModel());
    const { code, stderr } = await runHere(['layers', model], { library: { load } });
    expect(stderr).toMatch(/^onnx-cam: ERR_RUNTIME_NOT_FOUND: [^\n]*\n$/);
    expect(code).toBe(2);
    const { stdout } = await runHere(['doctor', '--json']);
    expect(JSON.parse(stdout).onnxruntime.error.code).toBe('ERR_RUNTIME_NOT_FOUND');
  });

  test('maps of tensors need none', async () => {
    process.env.ONNX_CAM_ORT_LIBRARY = '/nowhere/lib.so';
    const data = Float32Array.of(1, 2, 3, 4);
    const computed = await computeMap('activation-mean', { activations: { data, dims: [1, 2, 2] } });
    expect([...(computed as ComputedMap).map.data]).toEqual([0, Math.fround(1 / 3), Math.fround(2 / 3), 1]);
  });
});
