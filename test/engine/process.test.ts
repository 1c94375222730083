import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveLibrary } from '../../lib/engine/library.ts';
import { toNativeConfig } from '../../lib/engine/session-options.ts';
import { addModel, slowModel } from './models.ts';

/** How the addon leaves a process or a worker, and what it does to others in it: each in a process of its own. */
let folder: string;
const BUNDLED = fileURLToPath(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-process-'));
  writeFileSync(join(folder, 'add.onnx'), addModel());
  writeFileSync(join(folder, 'slow.onnx'), slowModel());
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What ONNX Runtime left in the home folder: with its telemetry off, nothing. */
  readonly traces: readonly string[];
}

const CLEAN = { code: 0, signal: null, stderr: '', traces: [] };

function child(script: string, args: readonly string[] = [], flags: readonly string[] = []): Promise<Outcome> {
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env; // The engine itself has to switch telemetry off.
  const engineTest = JSON.stringify({
    library: resolveLibrary(),
    config: toNativeConfig({ intraOpNumThreads: 1 }),
    models: { add: join(folder, 'add.onnx'), slow: join(folder, 'slow.onnx'), bundled: BUNDLED },
  });
  const home = mkdtempSync(join(folder, 'home-'));
  const path = fileURLToPath(new URL(`./children/${script}.mjs`, import.meta.url));
  const started = spawn(process.execPath, [...flags, path, ...args], {
    env: { ...env, ENGINE_TEST: engineTest, HOME: home, XDG_CACHE_HOME: join(home, '.cache') },
    timeout: 50_000,
  });
  let stdout = '';
  let stderr = '';
  started.stdout.on('data', data => (stdout += data));
  started.stderr.on('data', data => (stderr += data));
  return new Promise((resolve, reject) => {
    started.on('error', reject);
    started.on('close', (code, signal) =>
      resolve({ code, signal, stdout, stderr, traces: readdirSync(home, { recursive: true }).map(String) }),
    );
  });
}

test('an idle engine lets the process end, a run under way does not', async () => {
  expect(await child('idle')).toEqual({ ...CLEAN, stdout: '11,22,33,44\nfinished\n' });
});

test.each([0, 20, 60])('process.exit %i ms into busy runs ends cleanly', async delay => {
  expect(await child('exit', [String(delay)])).toMatchObject({ ...CLEAN, code: 7 });
});

// Without waiting for them about every fourth of these ends with a segmentation fault.
test.each([0, 3, 6, 10, 15, 20, 25, 30, 40, 50])('process.exit %i ms into the loading of models', async delay => {
  expect(await child('exit-loading', [String(delay)])).toMatchObject({ ...CLEAN, code: 7 });
});

test('workers that load the addon alone may end at any moment', async () => {
  const { stdout, ...outcome } = await child('workers');
  expect(outcome).toEqual(CLEAN);
  const lines = stdout.trim().split('\n');
  expect(lines.filter(line => line === 'normal 11,22,33,44')).toHaveLength(3);
  expect(lines.filter(line => line === 'terminate running')).toHaveLength(3);
  expect(lines.filter(line => line === 'exit running')).toHaveLength(3);
  expect(lines.at(-1)).toBe('survived');
});

test('onnxruntime-node may be imported afterwards: same numbers, telemetry stays off', async () => {
  const { stdout, ...outcome } = await child('beside', ['second']);
  expect(outcome).toEqual(CLEAN);
  expect(stdout).toBe(`${Array(4).fill('11,22,33,44').join(' ')}\n`);
});

test('onnxruntime-node may be imported before: same numbers', async () => {
  // It has initialised the library by then, so its decision about telemetry stands.
  const { stdout, traces: _, ...outcome } = await child('beside', ['first']);
  expect(outcome).toEqual({ code: 0, signal: null, stderr: '' });
  expect(stdout).toBe(`${Array(4).fill('11,22,33,44').join(' ')}\n`);
});

test('what JavaScript forgets is collected without harm', async () => {
  expect(await child('forget', [], ['--expose-gc'])).toEqual({ ...CLEAN, stdout: '11,22,33,44\n' });
});
