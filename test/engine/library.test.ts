import { afterEach, expect, test } from 'vitest';
import { resolveLibrary, runtimeInfo } from '../../lib/engine/library.ts';

afterEach(() => {
  delete process.env.ONNX_CAM_ORT_LIBRARY;
});

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
