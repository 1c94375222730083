import { describe, expect, it } from 'vitest';
import { advise } from '../../lib/cli/commands/doctor.ts';
import { METHODS } from '../../lib/methods/registry.ts';
import { fakeModel, readJson, runHere } from './harness.ts';

describe('the command line', () => {
  it('prints its help on standard output', async () => {
    const { code, stdout, stderr } = await runHere(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of ['explain', 'layers', 'methods', 'doctor', 'demo']) expect(stdout).toContain(command);
    expect((await runHere(['help', 'explain'])).stdout).toContain('--method');
  });

  it('prints its version', async () => {
    expect(await runHere(['--version'])).toEqual({
      code: 0,
      stdout: `${readJson('package.json').version}\n`,
      stderr: '',
    });
  });

  it.each([
    [[], /a command is needed/],
    [['explian'], /unknown command 'explian' \(Did you mean explain\?\)/],
    [['explain'], /missing required argument 'model'/],
    [['explain', 'model.onnx'], /missing required argument 'input'/],
    [['methods', 'extra'], /too many arguments/],
    [['explain', 'model.onnx', 'cat.png', '-o'], /argument missing/],
    [['layers'], /missing required argument 'model'/],
  ])('refuses %j with one line and exit 2', async (argv, message) => {
    const { code, stdout, stderr } = await runHere(argv);
    expect(stderr).toMatch(/^onnx-cam: ERR_USAGE: [^\n]*\n$/);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('methods', () => {
  it('is a table with a row each', async () => {
    const { code, stdout } = await runHere(['methods']);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^method +family +needs +cost +paper$/);
    for (const { name } of METHODS) expect(lines.some(line => line.startsWith(`${name} `))).toBe(true);
  });

  it('is listMethods() as JSON', async () => {
    const methods = JSON.parse((await runHere(['methods', '--json'])).stdout);
    expect(methods.map(({ name }: { name: string }) => name)).toEqual(METHODS.map(({ name }) => name));
    expect(methods[0]).toHaveProperty('params.relu');
  });
});

describe('layers', () => {
  it('marks the choice and says why on standard error', async () => {
    const { code, stdout, stderr } = await runHere(['layers', 'model.onnx']);
    expect(code).toBe(0);
    expect(stdout).toBe('   layer  operator  shape\n   stem   Relu      1×8×16×16\n*  last   Relu      1×32×7×7\n');
    expect(stderr).toContain('the last one');
  });

  it('is JSON on request', async () => {
    const { stdout, stderr } = await runHere(['layers', 'model.onnx', '--json']);
    expect(JSON.parse(stdout)).toEqual(await fakeModel().layers());
    expect(stderr).toBe('');
  });
});

describe('doctor', () => {
  it('tells versions, tier, library and providers', async () => {
    const { code, stdout } = await runHere(['doctor', '--json']);
    expect(code).toBe(0);
    const diagnosis = JSON.parse(stdout);
    expect(diagnosis.versions.node).toBe(process.versions.node);
    expect(diagnosis.cpu.tier).toMatch(/^(baseline|neon|avx2|avx512)$/);
    expect(diagnosis.onnxruntime.providers).toContain('CPUExecutionProvider');
    expect(diagnosis.onnxruntime.version).toMatch(/^1\./);
    expect(typeof diagnosis.gpu.found).toBe('boolean');
    for (const { name, found, detail, advice } of diagnosis.gpu.requirements) {
      expect(name).not.toBe('');
      expect(detail).not.toBe('');
      expect(typeof advice).toBe(found ? 'undefined' : 'string');
    }
    const text = (await runHere(['doctor'])).stdout;
    expect(text).toContain(diagnosis.onnxruntime.path);
    expect(text).toMatch(/All is well|There is a GPU/);
  });

  it('says what to do about a GPU that cannot be used', () => {
    const gpu = {
      found: true,
      devices: ['H200'],
      usable: false,
      error: { code: 'ERR_PROVIDER_UNAVAILABLE', message: 'no CUDA.' },
      requirements: [
        { name: 'driver', found: true, detail: 'for CUDA up to 13.0' },
        { name: 'libcudnn.so.9', found: false, detail: 'no such file', advice: 'install cuDNN' },
      ],
    } as const;
    const sharp = { version: '0.35.5', libvips: '8.18.0' };
    const onnxruntime = { version: '1.29.0', apiVersion: 29, path: 'lib.so', providers: [] };
    expect(advise({ cpu: { tier: 'avx2' }, onnxruntime, sharp, gpu })).toEqual([
      expect.stringMatching(/There is a GPU.*no CUDA\./),
      'Missing for the GPU: libcudnn.so.9 (no such file). To get it: install cuDNN.',
    ]);
    const missing = { error: { code: 'ERR_ADDON', message: 'build it' } } as const;
    expect(advise({ cpu: missing, onnxruntime: missing, sharp, gpu })).toEqual(['build it']);
  });

  it('tells everything else when the library cannot be loaded, with exit 1', async () => {
    const before = process.env.ONNX_CAM_ORT_LIBRARY;
    process.env.ONNX_CAM_ORT_LIBRARY = '/nowhere/libonnxruntime.so';
    try {
      const { code, stdout } = await runHere(['doctor']);
      expect(code).toBe(1);
      expect(stdout).toContain('not loaded (ERR_RUNTIME_NOT_FOUND)');
      expect(stdout).toContain('/nowhere/libonnxruntime.so');
      expect(stdout).toContain(process.versions.node);
      expect(stdout).not.toContain('All is well');
    } finally {
      if (before === undefined) delete process.env.ONNX_CAM_ORT_LIBRARY;
      else process.env.ONNX_CAM_ORT_LIBRARY = before;
    }
  });
});
