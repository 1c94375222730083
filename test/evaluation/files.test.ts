import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readCsvRows } from '../../lib/evaluation/csv-rows.ts';
import { EvaluationFiles, type OpenOptions } from '../../lib/evaluation/files.ts';
import type { EvaluationRow, MetricRow } from '../../lib/evaluation/rows.ts';
import type { RunIdentity } from '../../lib/evaluation/run-record.ts';
import { SummaryBuilder } from '../../lib/evaluation/summary.ts';
import { expectError } from '../helpers/expect-error.ts';

const run: RunIdentity = {
  version: '1.0.0',
  model: 'abc',
  settings: { target: 'top1', seed: 0 },
  metrics: { deletion: { steps: 28 }, 'average-drop': {}, 'max-box-acc': {} },
};

function metricRow(index: number, metric = 'average-drop', fields: Partial<MetricRow> = {}): MetricRow {
  const value = Math.sin(index + metric.length) / 3;
  return {
    image: `photos/${index}.jpg`,
    index,
    class: 281,
    label: 'tabby, tabby cat',
    probability: 0.1 + 0.2,
    correct: true,
    method: 'grad-cam',
    layer: 'auto',
    convention: 'paper',
    params: '',
    metric,
    value,
    status: 'ok',
    reason: null,
    runs: 1,
    ms: 1.25,
    ...fields,
  };
}
const curve = (index: number) => ({ curve: { x: [0, 0.5, 1], y: [1, index, 0] } });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-evaluation-'));
  const made = folder;
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
});

const open = (options: Partial<OpenOptions> = {}) => EvaluationFiles.open(folder, { run, ...options });
const table = () => readFileSync(join(folder, 'metrics.csv'), 'utf8');
const json = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
async function rowsIn(path = join(folder, 'metrics.csv')): Promise<MetricRow[]> {
  const rows: MetricRow[] = [];
  for await (const row of readCsvRows(path)) rows.push(row);
  return rows;
}

/** A run over images, a row of each of two metrics for each, which skips what is there. */
async function evaluate(images: number, options: Partial<OpenOptions> = {}) {
  const files = await open(options);
  const computed: string[] = [];
  for (let index = 0; index < images; index++)
    for (const metric of ['average-drop', 'deletion']) {
      const row = metricRow(index, metric);
      if (files.has(row)) continue;
      computed.push(`${index} ${metric}`);
      await files.write([row], [metric === 'deletion' ? curve(index) : {}]);
    }
  await files.checkpoint();
  await files.close();
  return { computed, taken: files.taken };
}

describe('metrics.csv', () => {
  it('has the columns of the page, and rows that are read back as they were', async () => {
    const rows: EvaluationRow[] = [
      metricRow(0),
      metricRow(1, 'deletion', {
        image: 'a,b "c"\nd\r\n.jpg',
        label: null,
        class: null,
        probability: null,
        correct: null,
        value: null,
        status: 'not-finite',
        reason: 'the map holds NaN, "infinite" values',
        params: '{"topK":64}',
      }),
      metricRow(2, 'deletion', { value: -1.5e-300, correct: false, label: '=1+1' }),
      { image: 'broken.jpg', index: 3, error: { code: 'ERR_IMAGE_INVALID', message: 'no picture, sorry' } },
    ];
    const files = await open();
    await files.write(rows);
    await files.close();
    expect(table().split('\n')[0]).toBe(
      'image,index,class,label,probability,correct,method,layer,convention,params,metric,value,status,reason,runs,ms',
    );
    expect(table()).toContain('broken.jpg,3,,,,,,,,,,,error,"ERR_IMAGE_INVALID: no picture, sorry",,\n');
    expect(await rowsIn()).toEqual(rows.slice(0, 3));
  });

  it('grows as rows come, and an earlier one is replaced', async () => {
    writeFileSync(join(folder, 'metrics.csv'), 'old');
    writeFileSync(join(folder, 'summary.json'), 'old');
    const files = await open();
    expect(existsSync(join(folder, 'summary.json'))).toBe(false);
    await files.write([metricRow(0)]);
    expect(table().split('\n')).toHaveLength(3);
    await files.close();
    expect(readdirSync(folder).sort()).toEqual(['curves.json', 'metrics.csv']);
  });

  it('is no file of ours: refused with the line', async () => {
    writeFileSync(join(folder, 'other.csv'), 'a,b\n1,2\n');
    await expectError(() => rowsIn(join(folder, 'other.csv')), 'ERR_OUTPUT', 'other.csv:1');
    await evaluate(2);
    writeFileSync(join(folder, 'metrics.csv'), table().replace('0.30000000000000004', 'NaN'));
    await expectError(() => open({ resume: true }), 'ERR_OUTPUT', 'metrics.csv:2');
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([]);
    expect(table()).toContain('NaN');
  });
});

describe('curves.json', () => {
  it('has mean curves and their number, those of other inputs apart', async () => {
    const files = await open();
    await files.write(
      [metricRow(0, 'deletion'), metricRow(1, 'deletion'), metricRow(0)],
      [curve(2), curve(5), curve(9)],
    );
    await files.write([metricRow(2, 'deletion')], [{ curve: { x: [0, 1], y: [1, 0] } }]);
    await files.checkpoint();
    await files.close();
    expect(json('curves.json').curves).toEqual([
      {
        method: 'grad-cam',
        layer: 'auto',
        convention: 'paper',
        params: '',
        metric: 'deletion',
        n: 2,
        x: [0, 0.5, 1],
        y: [1, 3.5, 0],
      },
      {
        method: 'grad-cam',
        layer: 'auto',
        convention: 'paper',
        params: '',
        metric: 'deletion',
        n: 1,
        x: [0, 1],
        y: [1, 0],
      },
    ]);
  });
});

describe('resuming', () => {
  /** What a run without interruption leaves. */
  async function whole(images: number) {
    await evaluate(images);
    return { rows: await rowsIn(), curves: json('curves.json') };
  }
  const byKey = (rows: readonly MetricRow[]) =>
    [...rows].sort((a, b) => a.index - b.index || (a.metric < b.metric ? -1 : 1));

  it('computes nothing of a whole run again, and hands on its rows', async () => {
    const first = await whole(5);
    const taken: MetricRow[] = [];
    expect(await evaluate(5, { resume: true, onRow: row => taken.push(row) })).toEqual({ computed: [], taken: 10 });
    expect(taken).toEqual(first.rows);
    expect({ rows: await rowsIn(), curves: json('curves.json') }).toEqual(first);
  });

  it('goes on where a run ended, and starts where there is none', async () => {
    expect(await evaluate(2, { resume: true })).toMatchObject({ taken: 0 });
    expect(await evaluate(3, { resume: true })).toEqual({ computed: ['2 average-drop', '2 deletion'], taken: 4 });
    expect(json('curves.json').curves).toMatchObject([{ n: 3, y: [1, 1, 0] }]);
  });

  it('cuts off a torn line, wherever it was torn', async () => {
    const first = await whole(3);
    const full = table();
    const last = full.slice(0, -1).lastIndexOf('\n') + 1;
    for (let length = last; length < full.length; length++) {
      writeFileSync(join(folder, 'metrics.csv'), full.slice(0, length));
      await evaluate(3, { resume: true });
      expect(byKey(await rowsIn())).toEqual(byKey(first.rows));
      expect(json('curves.json').curves).toEqual(first.curves.curves);
      writeFileSync(join(folder, 'curves.json'), JSON.stringify(first.curves));
    }
  });

  it('takes rows that the curves hold, no more and no fewer', async () => {
    const first = await whole(4);
    // Rows that came after the curves were written for the last time.
    const older = { ...first.curves, rows: 2, curves: [{ ...first.curves.curves[0], n: 2, y: [1, 0.5, 0] }] };
    writeFileSync(join(folder, 'curves.json'), JSON.stringify(older));
    expect((await evaluate(4, { resume: true })).computed).toEqual(['2 deletion', '3 deletion']);
    expect(json('curves.json').curves).toEqual(first.curves.curves);
    // Rows that are gone.
    truncateSync(join(folder, 'metrics.csv'), Math.floor(table().length / 2));
    await evaluate(4, { resume: true });
    expect(byKey(await rowsIn())).toEqual(byKey(first.rows));
    expect(json('curves.json').curves).toEqual(first.curves.curves);
  });

  it('does images again that failed, and those whose place is another’s now', async () => {
    const files = await open();
    await files.write([
      metricRow(0),
      { image: 'photos/1.jpg', index: 1, error: { code: 'ERR_RUNTIME', message: 'x' } },
    ]);
    await files.close();
    const again = await open({ resume: true });
    expect(again.has(metricRow(0))).toBe(true);
    expect(again.has(metricRow(1))).toBe(false);
    expect(again.has({ ...metricRow(0), image: 'photos/other.jpg' })).toBe(false);
    expect(again.has({ ...metricRow(0), layer: 'stages' })).toBe(false);
    await again.close();
    expect(table()).not.toContain('ERR_RUNTIME');
  });

  it('is refused for another model, version or settings, and leaves what is there', async () => {
    await evaluate(1);
    const before = table();
    for (const [other, says] of [
      [{ ...run, model: 'def' }, 'another model'],
      [{ ...run, version: '0.9.0' }, 'version 1.0.0'],
      [{ ...run, settings: { target: 'label', seed: 0 } }, 'another target'],
    ] as const)
      await expectError(() => open({ run: other, resume: true }), 'ERR_OPTION_INVALID', says);
    for (const content of ['', '{', '{"run":{}}', '[]']) {
      writeFileSync(join(folder, 'curves.json'), content);
      await expectError(() => open({ resume: true }), 'ERR_OPTION_INVALID', 'curves.json');
    }
    expect(table()).toBe(before);
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([]);
  });

  it('of a metric with other parameters computes that one again, and those whose rows say too little', async () => {
    await evaluate(2);
    const files = await open({ run: { ...run, metrics: { ...run.metrics, deletion: { steps: 10 } } }, resume: true });
    expect(files.has(metricRow(0))).toBe(true);
    expect(files.has(metricRow(0, 'deletion'))).toBe(false);
    await files.write([metricRow(0, 'max-box-acc')]);
    await files.close();
    expect(files.curves()).toEqual([]);
    const again = await open({ run: { ...run, metrics: { ...run.metrics, deletion: { steps: 10 } } }, resume: true });
    expect(again.has(metricRow(0, 'max-box-acc'))).toBe(false);
    await again.close();
  });
});

it('copies itself into another folder', async () => {
  const files = await open();
  await files.write([metricRow(0, 'deletion')], [curve(1)]);
  const builder = new SummaryBuilder({ metrics: [{ name: 'deletion', direction: 'lower' }], seed: 0 });
  builder.add(metricRow(0, 'deletion'));
  const summary = await builder.summary({ seed: 0 } as never);
  const other = join(folder, 'a/b');
  await files.copyTo(other, summary);
  await files.finish(summary);
  await files.close();
  for (const name of ['metrics.csv', 'curves.json', 'summary.json'])
    expect(readFileSync(join(other, name), 'utf8')).toBe(readFileSync(join(folder, name), 'utf8'));
  expect(json('summary.json').metrics[0]).toMatchObject({ n: 1, metric: 'deletion' });
});

it('says why a folder cannot be written to', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expectError(() => EvaluationFiles.open(join(folder, 'file'), { run }), 'ERR_OUTPUT', 'file');
});

it('10,000 images with 8 rows each: flat memory, seconds', async () => {
  const METRICS = ['average-drop', 'deletion', 'insertion', 'road', 'adcc', 'sparseness', 'entropy', 'pointing-game'];
  const builder = new SummaryBuilder({
    metrics: METRICS.map(name => ({ name, direction: 'higher' as const })),
    seed: 0,
    resamples: 200,
  });
  const files = await open();
  const x = Array.from({ length: 29 }, (_, i) => i / 28);
  const used = () => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return (heapUsed + arrayBuffers) / 2 ** 20;
  };
  let early = 0;
  for (let index = 0; index < 10_000; index++) {
    if (index === 1000) early = used();
    const rows = METRICS.map(metric => metricRow(index, metric));
    const extras = METRICS.map(metric => ({ curve: { x, y: x.map(share => share * (index + metric.length)) } }));
    await files.write(rows, extras);
    rows.forEach((row, i) => {
      builder.add(row, extras[i]);
    });
  }
  // 8 columns of 16,384 doubles are 1 MB, a list of 10,000 values and classes of one figure little more.
  expect(used() - early).toBeLessThan(globalThis.gc ? 12 : 200);
  await files.close();
  const { metrics } = await builder.summary({ seed: 0 } as never);
  expect(metrics).toHaveLength(8);
  expect(metrics.every(({ n }) => n === 10_000)).toBe(true);
  expect(files.curves().map(({ n }) => n)).toEqual([10_000, 10_000, 10_000]);
  const again = await open({ resume: true });
  expect(again.has(metricRow(9999, 'entropy'))).toBe(true);
  await again.close();
  appendFileSync(join(folder, 'metrics.csv'), 'photos/torn');
  const torn = await open({ resume: true });
  expect(torn.taken).toBe(10_000 * (8 - 1));
  await torn.close();
}, 60_000);
