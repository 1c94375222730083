/** Evaluations: rows that do not depend on how they were made, and what is left when one ends early. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationRow, MetricRow } from '../../lib/evaluation/rows.ts';
import type { EvaluateOptions } from '../../lib/explain/evaluate-options.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { METRICS } from '../../lib/metrics/registry.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const SIDE = 16;
const images = [3, 1, 8, 5].map(seed => ({ name: `image ${seed}`, tensor: noiseImage([1, 3, SIDE, SIDE], seed) }));
const BY_NAME = { truth: (() => ({ boxes: [[2, 2, 6, 6]] })) as never };
const ALL = METRICS.map(({ name }) => (name === 'top-k' ? { metric: name, params: { k: 20 } } : name));

let folder: string;
let cam: Explainer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-test-'));
  cam = await open(plainModel());
});
afterAll(() => rmSync(folder, { recursive: true }));

async function rowsOf<T>(run: AsyncIterable<T>): Promise<T[]> {
  const rows: T[] = [];
  for await (const row of run) rows.push(row);
  return rows;
}

const measured = (rows: readonly EvaluationRow[]): MetricRow[] =>
  rows.map(row => {
    if ('error' in row) throw new Error(row.error.message);
    return row;
  });

/** Value by image, method and metric. */
const table = (rows: readonly MetricRow[]) =>
  new Map(rows.map(({ image, method, metric, value }) => [`${image} ${method} ${metric}`, value]));

function expectSame(ours: ReadonlyMap<string, number | null>, expected: ReadonlyMap<string, number | null>) {
  expect([...ours.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
  for (const [key, value] of expected) {
    const other = ours.get(key)!;
    if (value === null) expect(other, key).toBeNull();
    else expect(other, key).toBeCloseTo(value, 4);
  }
}

describe('rows are the same', () => {
  const options: EvaluateOptions = { methods: ['grad-cam', 'layer-cam'], metrics: ALL, target: 1, ...BY_NAME };
  const evaluated = async (more: EvaluateOptions = {}, of = images, explainer = cam) =>
    table(measured(await rowsOf(explainer.evaluate(of, { ...options, ...more }))));
  let expected: ReadonlyMap<string, number | null>;
  beforeAll(async () => {
    expected = await evaluated();
    expect(expected.size).toBe(images.length * 5 * METRICS.length);
  });

  it.each([1, 3, 64])('in batches of %i', async batchSize => {
    expectSame(await evaluated({ batchSize }), expected);
  });

  it.each([1, 2])('with %i threads', async intraOpNumThreads => {
    const other = await open(plainModel(), { intraOpNumThreads });
    expectSame(await evaluated({}, images, other), expected);
  });

  it.each([1, 4])('with %i images in work at once', async concurrency => {
    expectSame(await evaluated({ concurrency }), expected);
  });

  it('of one metric after the other, and of one method', async () => {
    const alone = new Map<string, number | null>();
    for (const metric of ALL) for (const [key, value] of await evaluated({ metrics: [metric] })) alone.set(key, value);
    expectSame(alone, expected);
    const own = new Map([...expected].filter(([key]) => !key.includes('layer-cam')));
    expectSame(await evaluated({ methods: ['grad-cam'] }), own);
  });

  it('of another order of images, but for what is drawn by place', async () => {
    const fixed = (rows: ReadonlyMap<string, number | null>) =>
      new Map([...rows].filter(([key]) => !/ random | (max|avg)-sensitivity$| (mu|faithfulness)-/.test(key)));
    expectSame(fixed(await evaluated({}, images.toReversed())), fixed(expected));
  });
});

describe('truth of some pictures', () => {
  let photos: string[];
  beforeAll(async () => {
    photos = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (name, i) => {
        const path = join(folder, `${name}.png`);
        const { data } = noiseImage([1, 3, 20, 20], i + 1);
        const raw = { width: 20, height: 20, channels: 3 } as const;
        await sharp(
          Uint8Array.from(data, v => 128 + 100 * v),
          { raw },
        )
          .png()
          .toFile(path);
        return path;
      }),
    );
    writeFileSync(
      join(folder, 'truth.csv'),
      'file,label,x,y,w,h\na.png,1,2,2,8,8\nc.png,1,5,5,10,10\nzz.png,1,0,0,3,3\n',
    );
  });

  it('gives rows with a reason for the others, and counts what fits none', async () => {
    const run = cam.evaluate(photos, {
      truth: join(folder, 'truth.csv'),
      target: 1,
      metrics: ['pointing-game', 'energy-pointing-game', 'entropy'],
      controls: false,
    });
    const rows = measured(await rowsOf(run));
    expect(rows).toHaveLength(12);
    for (const { image, metric, value, reason } of rows)
      if (metric === 'entropy' || /[ac]\.png$/.test(image)) expect(value).not.toBeNull();
      else expect([value, reason]).toEqual([null, expect.stringMatching(/nothing says/)]);
    const summary = await run.summary();
    expect(JSON.stringify(summary)).toContain('"unmatched":1');
    await run.dispose();
  });

  it('a picture that fails is a row with its error, and the others go on', async () => {
    const broken = join(folder, 'broken.png');
    writeFileSync(broken, 'no picture');
    const mixed = [photos[0]!, broken, join(folder, 'missing.png'), photos[1]!];
    const run = cam.evaluate(mixed, { metrics: ['entropy', 'deletion'], target: 1 });
    const rows = await rowsOf(run);
    const failed = rows.flatMap(row => ('error' in row ? [[row.index, row.error.code]] : []));
    expect(failed).toEqual([
      [1, 'ERR_IMAGE_INVALID'],
      [2, 'ERR_IMAGE_NOT_FOUND'],
    ]);
    expect(rows).toHaveLength(2 + 2 * 4 * 2);
    const out = join(folder, 'with-failures');
    await run.save(out);
    expect(readdirSync(out).sort()).toEqual([
      'curves.json',
      'index.html',
      'metrics.csv',
      'pictures.jsonl',
      'summary.json',
    ]);
    await run.dispose();
  });
});

describe('an evaluation that ends early', () => {
  const { TMPDIR } = process.env;
  beforeAll(() => {
    process.env.TMPDIR = mkdtempSync(join(folder, 'tmp-'));
  });
  afterAll(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  const left = () => readdirSync(tmpdir());
  const many = () => Array.from({ length: 50 }, (_, i) => images[i % images.length]!);

  it('by an abort: no rows, no summary, no folder', async () => {
    const controller = new AbortController();
    const run = cam.evaluate(many(), { metrics: ['deletion'], signal: controller.signal });
    let rows = 0;
    await expectError(async () => {
      for await (const _ of run) {
        if (++rows === 7) controller.abort();
        expect(left()).toHaveLength(1);
      }
    }, 'ERR_ABORTED');
    expect(rows).toBeLessThan(100);
    expect(left()).toEqual([]);
    await expectError(() => run.summary(), 'ERR_ABORTED');
    await expectError(() => run.save(join(folder, 'never')), 'ERR_ABORTED');
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  it('by its source: no summary of a part, no folder', async () => {
    async function* source() {
      yield images[0]!;
      yield images[1]!;
      throw new Error('the disk is gone');
    }
    const run = cam.evaluate(source(), { metrics: ['entropy'] });
    await expect(rowsOf(run)).rejects.toThrow('the disk is gone');
    await expect(run.summary()).rejects.toThrow('the disk is gone');
    expect(left()).toEqual([]);
    const nowhere = cam.evaluate(join(folder, 'no', 'such'), { metrics: ['entropy'] });
    await expectError(() => nowhere.summary(), 'ERR_IMAGE_NOT_FOUND');
    expect(left()).toEqual([]);
  });

  it('by an abort into a folder: what is there goes on with `resume`', async () => {
    const out = join(folder, 'resumed');
    const controller = new AbortController();
    const options = { metrics: ['deletion', 'entropy'], folder: out, target: 1 };
    await expectError(async () => {
      let rows = 0;
      const run = cam.evaluate(images, { ...options, concurrency: 1, signal: controller.signal });
      for await (const _ of run) if (++rows === 8) controller.abort();
    }, 'ERR_ABORTED');
    expect(readdirSync(out).filter(name => name.endsWith('.tmp'))).toEqual([]);
    const run = cam.evaluate(images, { ...options, resume: true });
    const fresh = await rowsOf(run);
    expect(fresh.length).toBeLessThan(images.length * 8);
    await run.save(out);
    expect(readFileSync(join(out, 'metrics.csv'), 'utf8').trim().split('\n')).toHaveLength(1 + images.length * 8);
  });
});

describe('a loop over rows that is left', () => {
  it('leaves the rest to another, and to the summary', async () => {
    const options: EvaluateOptions = { metrics: ['entropy'], controls: false };
    const whole = await rowsOf(cam.evaluate(images, options));
    const run = cam.evaluate(images, options);
    const seen: EvaluationRow[] = [];
    for await (const row of run) {
      seen.push(row);
      break;
    }
    for await (const row of run) {
      seen.push(row);
      break;
    }
    expect(seen.map(({ index }) => index)).toEqual([0, 1]);
    const { images: counted, metrics } = await run.summary();
    expect([counted, metrics[0]!.n]).toEqual([whole.length, whole.length]);
    await run.dispose();
  });
});

describe('resuming with fewer images', () => {
  it('sums up those that are asked for', async () => {
    const options: EvaluateOptions = { metrics: ['entropy'], controls: false, folder: join(folder, 'fewer') };
    await cam.evaluate(images, options).summary();
    const {
      images: counted,
      metrics,
      provenance,
    } = await cam.evaluate(images, { ...options, resume: true, limit: 2 }).summary();
    expect([counted, metrics[0]!.n, provenance.images.given]).toEqual([2, 2, 2]);
  });
});

describe('10,000 rows', () => {
  it('come with flat memory', { timeout: 120_000 }, async () => {
    const tiny = await open(buildModel(plainSpec({ classes: 2, size: [8, 8] })));
    const picture = noiseImage([1, 3, 8, 8]);
    function* source() {
      for (let i = 0; i < 2500; i++) yield { name: `${i}`, tensor: picture };
    }
    const run = tiny.evaluate(source(), { metrics: ['entropy'], target: 0 });
    const used: number[] = [];
    let rows = 0;
    for await (const _ of run)
      if (++rows % 2000 === 0) {
        global.gc?.();
        used.push(process.memoryUsage().rss / 2 ** 20);
      }
    expect(rows).toBe(10_000);
    // Past the first rows, when pools have filled.
    expect(used.at(-1)! - used[1]!).toBeLessThan(60);
    const summary = await run.summary();
    expect(JSON.stringify(summary)).toContain('"n":2500');
    await run.dispose();
  });
});
