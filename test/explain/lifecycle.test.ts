import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import type { OnnxCamError } from '../../lib/common/errors.ts';
import { Session } from '../../lib/engine/session.ts';
import { load } from '../../lib/load.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { topK } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one, plainModel } from '../helpers/explain-models.ts';

const image = (seed = 1) => noiseImage([1, 3, 16, 16], seed);

/** Sessions alive; those that load makes for probing are released again before it resolves. */
function watchSessions() {
  const alive = new Set<Session>();
  let most = 0;
  const { create } = Session;
  const dispose = Session.prototype.dispose;
  const spies = [
    vi.spyOn(Session, 'create').mockImplementation(async (...args) => {
      const session = await create.apply(Session, args);
      alive.add(session);
      most = Math.max(most, alive.size);
      return session;
    }),
    vi.spyOn(Session.prototype, 'dispose').mockImplementation(async function (this: Session) {
      await dispose.call(this);
      alive.delete(this);
    }),
  ];
  return {
    alive,
    most: () => most,
    restore: () => {
      for (const spy of spies) spy.mockRestore();
    },
  };
}

describe('concurrent calls', () => {
  it('eight at once give what each gives alone', async () => {
    const cam = await load(plainModel());
    try {
      const options = (i: number) => ({ method: ['grad-cam', 'eigen-cam', 'layer-cam', 'fem'][i % 4]!, target: i % 5 });
      const expected: Explanation[] = [];
      for (let i = 0; i < 8; i++) expected.push(one(await cam.explain(image(i), options(i))));
      const fresh = await load(plainModel());
      const results = await Promise.all(Array.from({ length: 8 }, (_, i) => fresh.explain(image(i), options(i))));
      results.forEach((result, i) => {
        expect(one(result).map.data).toEqual(expected[i]!.map.data);
        expect(one(result).target).toEqual(expected[i]!.target);
      });
      await fresh.dispose();
    } finally {
      await cam.dispose();
    }
  });
});

describe('concurrent calls on pictures', () => {
  it('of several sizes, eight at once, give what each gives alone', async () => {
    const pictures = Array.from({ length: 8 }, (_, i) => {
      const info = { width: 20 + (i % 3), height: 18, channels: 3 as const };
      const data = Uint8Array.from({ length: info.width * info.height * 3 }, (_, p) => (p * (3 + i) + 40 * i) & 255);
      return { data, info };
    });
    const cam = await load(plainModel(), { preprocess: { fit: 'letterbox' } });
    const expected: Explanation[] = [];
    for (const picture of pictures) expected.push(one(await cam.explain(picture, { target: 1 })));
    expect(new Set(expected.map(({ map }) => map.data.join())).size).toBe(8);
    for (let round = 0; round < 3; round++) {
      const results = await Promise.all(pictures.map(picture => cam.explain(picture, { target: 1 })));
      for (const [i, result] of results.entries()) expect(one(result).map).toEqual(expected[i]!.map);
    }
    const together = flat(await cam.explain(pictures, { target: 1, batchSize: 8 }));
    for (const [i, { predictions }] of together.entries())
      expect(predictions[0]!.index).toBe(expected[i]!.predictions[0]!.index);
    await cam.dispose();
  });
});

describe('a stream that is left early', () => {
  it('lets the explainer be disposed of, and end what it began', async () => {
    const sessions = watchSessions();
    try {
      for (const taken of [1, 3]) {
        const cam = await load(plainModel());
        let count = 0;
        for await (const { result } of cam.stream(
          Array.from({ length: 20 }, (_, i) => image(i)),
          { concurrency: 4 },
        )) {
          expect(flat(result!)).toHaveLength(1);
          if (++count === taken) break;
        }
        await cam.dispose();
        expect(sessions.alive.size).toBe(0);
      }
      const cam = await load(plainModel());
      const stream = cam.stream([image(1), image(2), image(3)]);
      const first = await stream.next();
      await stream.return();
      expect((await stream.next()).done).toBe(true);
      expect(one((await cam.explain(image(1))) as Explanation).map).toEqual(flat(first.value!.result!)[0]!.map);
      await cam.dispose();
    } finally {
      sessions.restore();
    }
  });
});

describe('sessions', () => {
  it('are at most four, whatever is asked in turn or at once, and all released at the end', async () => {
    const sessions = watchSessions();
    try {
      const cam = await load(plainModel({ size: ['H', 'W'] }));
      expect(sessions.alive.size).toBe(0);
      const plans = [
        { layer: 'r1' },
        { layer: 'r2' },
        { layer: 'c1' },
        { layer: 'c2' },
        { layer: 'stages' },
        { method: 'fem' },
        { target: topK(2) },
      ];
      for (const plan of [...plans, ...plans]) {
        await cam.explain(image(), plan);
        expect(sessions.alive.size).toBeLessThanOrEqual(4);
      }
      for (const size of [16, 20, 24, 28, 32, 36]) await cam.explain(noiseImage([1, 3, size, size]));
      expect(sessions.alive.size).toBeLessThanOrEqual(4);
      await Promise.all(plans.map(plan => cam.explain(image(), plan)));
      expect(sessions.alive.size).toBeLessThanOrEqual(4);
      await cam.dispose();
      expect(sessions.alive.size).toBe(0);
    } finally {
      sessions.restore();
    }
  });

  it('are released after errors of every kind', async () => {
    const sessions = watchSessions();
    try {
      await expectError(() => load(plainModel(), { output: 'nope' }), 'ERR_OPTION_INVALID');
      await expectError(() => load(plainModel(), { labels: '/nonexistent/labels.txt' }), 'ERR_OPTION_INVALID');
      await expectError(() => load(plainModel().subarray(0, 900)), 'ERR_MODEL_INVALID');
      expect(sessions.alive.size).toBe(0);
    } finally {
      sessions.restore();
    }
  });
});

describe('dispose', () => {
  it('makes every later call fail, and may be called again', async () => {
    const cam = await load(plainModel());
    await cam.explain(image());
    await Promise.all([cam.dispose(), cam.dispose()]);
    await cam.dispose();
    await expectError(() => cam.explain(image()), 'ERR_DISPOSED', 'load');
    await expectError(() => cam.predict(image()), 'ERR_DISPOSED');
    await expectError(() => cam.stream([image()]).next(), 'ERR_DISPOSED');
    expect(() => cam.unsupported(['grad-cam'])).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });

  it('while explaining: every call ends, with its result or ERR_DISPOSED, and nothing is left', async () => {
    const sessions = watchSessions();
    try {
      for (const wait of [0, 1, 5]) {
        const cam = await load(plainModel());
        const calls = Array.from({ length: 6 }, (_, i) =>
          cam.explain(noiseImage([9, 3, 16, 16]), { layer: i % 2 ? 'r1' : 'r2' }),
        );
        const settled = Promise.allSettled(calls);
        await new Promise(resolve => setTimeout(resolve, wait));
        await cam.dispose();
        expect(sessions.alive.size).toBe(0);
        for (const outcome of await settled)
          if (outcome.status === 'rejected') expect((outcome.reason as OnnxCamError).code).toBe('ERR_DISPOSED');
          else expect(flat(outcome.value)).toHaveLength(9);
      }
    } finally {
      sessions.restore();
    }
  });

  it('comes with `await using`', async () => {
    const cam = await load(plainModel());
    expect(typeof cam[Symbol.asyncDispose]).toBe('function');
    await cam[Symbol.asyncDispose]();
    await expectError(() => cam.explain(image()), 'ERR_DISPOSED');
  });
});

describe.concurrent('processes', () => {
  const start = promisify(execFile);
  const run = async (script: string, ...args: string[]) => {
    const path = fileURLToPath(new URL(`./children/${script}.mjs`, import.meta.url));
    const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-lifecycle-'));
    try {
      const model = join(folder, 'model.onnx');
      writeFileSync(model, plainModel());
      // Fails for any exit code but 0, with what the process said.
      const { stdout, stderr } = await start(process.execPath, [path, model, ...args], { timeout: 50_000 });
      return { stderr, lines: stdout.trim().split('\n') };
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it('worker threads explain side by side, and may end while they do', async ({ expect }) => {
    expect(await run('workers')).toEqual({ stderr: '', lines: ['same in 3 workers', 'terminated'] });
  });

  for (const order of ['first', 'second'])
    it(`onnxruntime-node works beside it, loaded ${order}`, async ({ expect }) => {
      expect(await run('beside', order)).toEqual({ stderr: '', lines: ['agree'] });
    });

  it('a process ends by itself with an explainer that was never disposed', async ({ expect }) => {
    expect(await run('forget')).toEqual({ stderr: '', lines: ['done'] });
  });
});
