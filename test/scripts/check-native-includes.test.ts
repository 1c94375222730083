/** The check of the order of native's folders, on small trees. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

function check(files: Readonly<Record<string, readonly string[]>>) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-includes-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [file, includes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), includes.map(included => `#include "${included}"\n`).join(''));
  }
  const { status, stderr } = spawnSync(process.execPath, ['scripts/check-native-includes.js', folder], {
    encoding: 'utf8',
  });
  return { status, faults: stderr.split('\n').filter(Boolean) };
}

it('passes includes down the order, and .cu files beside their .cpp', () => {
  const files = {
    'binding/a.cpp': ['engine/b.hpp', 'kernels/map/c.hpp'],
    'engine/b.hpp': ['runtime/d.hpp'],
    'runtime/d.hpp': [],
    'kernels/map/c.hpp': ['kernels/base/e.hpp'],
    'kernels/map/c.cu': ['kernels/cuda/f.cuh'],
    'kernels/cuda/f.cuh': ['kernels/base/e.hpp'],
    'kernels/base/e.hpp': [],
  };
  expect(check(files)).toEqual({ status: 0, faults: [] });
});

it.each([
  ['runtime/a.hpp includes engine/b.hpp from above', { 'runtime/a.hpp': ['engine/b.hpp'], 'engine/b.hpp': [] }],
  [
    'kernels/base/a.cpp includes engine/b.hpp from above',
    { 'kernels/base/a.cpp': ['engine/b.hpp'], 'engine/b.hpp': [] },
  ],
  ['elsewhere/a.cpp is in no folder of the order in scripts/check-native-includes.js', { 'elsewhere/a.cpp': [] }],
  ['engine/a.cpp includes engine/none.hpp, which does not exist', { 'engine/a.cpp': ['engine/none.hpp'] }],
  [
    'circle of files: engine/a.hpp → engine/b.hpp → engine/a.hpp',
    { 'engine/a.hpp': ['engine/b.hpp'], 'engine/b.hpp': ['engine/a.hpp'] },
  ],
  ['no C++ file in', {}],
])('says: %s', (fault, files) => {
  const { status, faults } = check(files);
  expect(status).toBe(1);
  expect(faults).toEqual([expect.stringContaining(fault)]);
});
