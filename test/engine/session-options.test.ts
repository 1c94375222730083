import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { type SessionOptions, toNativeConfig } from '../../lib/engine/session-options.ts';
import { addModel, vector } from './models.ts';

const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-options-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('what reaches ONNX Runtime', () => {
  const entry = (options: SessionOptions, key: string) =>
    toNativeConfig(options).entries.find(candidate => candidate.key === key)?.value;

  test('threads do not spin by default; `extra` wins', () => {
    expect(entry({ intraOpNumThreads: 1 }, 'session.intra_op.allow_spinning')).toBe('0');
    expect(entry({ intraOpNumThreads: 4 }, 'session.force_spinning_stop')).toBe('1');
    expect(entry({}, 'session.force_spinning_stop')).toBe('1');
    const extra = { session: { force_spinning_stop: '0' } };
    expect(entry({ intraOpNumThreads: 4, extra }, 'session.force_spinning_stop')).toBe('0');
  });

  test('`extra` is flattened at the dots, booleans become 1 and 0', () => {
    const extra = { session: { set_denormal_as_zero: true, intra_op: { spin_duration_us: 5 } }, 'a.b': 'c' };
    expect(entry({ extra }, 'session.set_denormal_as_zero')).toBe('1');
    expect(entry({ extra }, 'session.intra_op.spin_duration_us')).toBe('5');
    expect(entry({ extra }, 'a.b')).toBe('c');
  });

  test('all options together are accepted, and the files they ask for are written', async () => {
    const session = await Session.create(addModel(), {
      executionProviders: [{ name: 'cpu', useArena: true }],
      graphOptimizationLevel: 'basic',
      intraOpNumThreads: 2,
      interOpNumThreads: 2,
      executionMode: 'parallel',
      enableCpuMemArena: false,
      enableMemPattern: false,
      logId: 'test',
      logSeverityLevel: 3,
      logVerbosityLevel: 1,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
      optimizedModelFilePath: join(folder, 'optimized.onnx'),
      freeDimensionOverrides: { n: 4 },
      extra: { session: { set_denormal_as_zero: '1' } },
    });
    expect(session.inputs[0]!.dims).toEqual([4]); // freeDimensionOverrides
    const { y } = await session.run({ x: vector([0, 0, 0, 0]) }, ['y']);
    expect([...y!.data]).toEqual([1, 2, 3, 4]);
    await session.dispose();
    expect(existsSync(join(folder, 'optimized.onnx'))).toBe(true);
    expect(readdirSync(folder).some(name => name.startsWith('profile'))).toBe(true);
  });

  test.each(['disabled', 'basic', 'extended', 'layout', 'all'] as const)('graphOptimizationLevel %s', async level => {
    await using session = await Session.create(addModel(), { graphOptimizationLevel: level });
    expect((await session.run({ x: vector([1, 1, 1, 1]) }, ['y'])).y).toEqual(vector([2, 3, 4, 5]));
  });
});

describe('what is refused', () => {
  test.each<[Record<string, unknown>, RegExp]>([
    [{ intraOpNumThread: 1 }, /'intraOpNumThread' is no session option \(did you mean intraOpNumThreads/],
    [{ intraOpNumThreads: 1.5 }, /`intraOpNumThreads` must be a whole number/],
    [{ intraOpNumThreads: -1 }, /`intraOpNumThreads`/],
    [{ interOpNumThreads: '2' }, /`interOpNumThreads`.*"2"/],
    [{ graphOptimizationLevel: 'alll' }, /one of disabled, basic, extended, layout, all, not "alll"/],
    [{ executionMode: 'fast' }, /sequential, parallel/],
    [{ enableCpuMemArena: 1 }, /true or false/],
    [{ logSeverityLevel: 5 }, /from 0 to 4/],
    [{ logId: 3 }, /`logId` must be a string/],
    [{ freeDimensionOverrides: { n: -2 } }, /freeDimensionOverrides\.n/],
    [{ freeDimensionOverrides: [1] }, /must be an object/],
    [{ extra: { session: { a: null } } }, /extra\.session\.a/],
    [{ externalFiles: { 'w.bin': 'text' } }, /'w\.bin' must be a Uint8Array/],
    [{ executionProviders: 'cuda' }, /must be an array, e\.g\. \['cuda', 'cpu'\]/],
    [{ executionProviders: [1] }, /\[0\] must be a name or an object/],
    [{ executionProviders: [{ deviceId: 0 }] }, /\[0\]\.name/],
    [{ executionProviders: [{ name: 'cuda', deviceID: 0 }] }, /unknown field 'deviceID' \(did you mean deviceId/],
    [{ executionProviders: [{ name: 'cuda', deviceId: -1 }] }, /deviceId must be a whole number/],
    [{ executionProviders: [{ name: 'cuda', options: { a: {} } }] }, /'a' must be a string, number or boolean/],
    [{ executionProviders: [{ name: 'cpu', deviceId: 0 }] }, /'cpu' provider takes no device_id/],
    [{ libraryPath: 1 }, /`libraryPath` must be a path, not number/],
  ])('%j', async (options, message) => {
    const creation = Session.create(addModel(), options as SessionOptions);
    await expect(creation).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringMatching(message),
    });
  });
});

describe('execution providers', () => {
  test('one that is not there is refused with the reason', async () => {
    const creation = Session.create(addModel(), { executionProviders: ['no-such-provider'] });
    await expect(creation).rejects.toMatchObject({
      code: 'ERR_PROVIDER_UNAVAILABLE',
      message: expect.stringMatching(/"no-such-provider" cannot be used: Unknown provider name/),
    });
  });

  test("with 'cpu' listed as well it is a warning", async () => {
    await using session = await Session.create(addModel(), { executionProviders: ['no-such-provider', 'cpu'] });
    expect(session.warnings).toEqual([expect.stringMatching(/"no-such-provider" cannot be used/)]);
    expect((await session.run({ x: vector([1, 1, 1, 1]) }, ['y'])).y).toEqual(vector([2, 3, 4, 5]));
  });

  test('device and own keys reach the provider in its own spelling', () => {
    const cuda = { name: 'cuda', deviceId: 1, options: { use_tf32: false, gpu_mem_limit: 1024 } };
    const expected = [
      { key: 'device_id', value: '1' },
      { key: 'use_tf32', value: '0' },
      { key: 'gpu_mem_limit', value: '1024' },
    ];
    const config = toNativeConfig({ executionProviders: [cuda, 'CPUExecutionProvider'] });
    expect(config.providers).toEqual([
      { name: 'cuda', options: expected },
      { name: 'cpu', options: [] },
    ]);
  });
});
