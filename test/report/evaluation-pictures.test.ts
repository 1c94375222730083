/** pictures.jsonl of an evaluation: what is taken over, and what is not. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { RunIdentity } from '../../lib/evaluation/run-record.ts';
import { parseEvaluated } from '../../lib/report/check-evaluated.ts';
import { type EvaluatedMapLine, type EvaluatedPicture, joinedLines } from '../../lib/report/evaluated-image.ts';
import { EvaluationPictures, type PicturesOptions } from '../../lib/report/evaluation-pictures.ts';
import { smallCurve } from '../../lib/report/small-curve.ts';

const run: RunIdentity = {
  version: '1.0.0',
  model: 'abc',
  settings: { target: 'top1' },
  metrics: { deletion: { steps: 5 }, insertion: {} },
};
const curve = smallCurve({ x: [0, 1], y: [1, 0.25] });

const mapLine = (method: string, changes: Partial<EvaluatedMapLine> = {}): EvaluatedMapLine => ({
  method,
  layer: 'auto',
  convention: 'paper',
  params: '',
  target: { index: 3, label: 'tabby', probability: 0.5, score: 4, kind: 'class' },
  status: 'ok',
  reason: null,
  warnings: [],
  layers: 'features',
  map: {
    width: 1,
    height: 1,
    type: 'float16',
    data: 'ADw=',
    x: { scale: 1, offset: 0 },
    y: { scale: 1, offset: 0 },
    shown: [0, 0, 1, 1],
  },
  curves: { deletion: curve },
  ...changes,
});

const line = (index: number, changes: Partial<EvaluatedPicture> = {}): EvaluatedPicture => ({
  name: `photos/${index}.jpg`,
  index,
  size: { width: 640, height: 480 },
  picture: { type: 'image/webp', data: 'AAAA', width: 448, height: 336 },
  predictions: [{ index: 3, label: 'tabby', probability: 0.5 }],
  correct: true,
  error: null,
  maps: [mapLine('grad-cam')],
  ...changes,
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-pictures-'));
  path = join(folder, 'pictures.jsonl');
  const made = folder;
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
});

async function write(lines: readonly EvaluatedPicture[], options: Partial<PicturesOptions> = {}) {
  const pictures = await EvaluationPictures.open(folder, { run, most: 300, resume: false, ...options });
  for (const one of lines) await pictures.write(one);
  await pictures.close();
  return pictures;
}
const lines = () =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map(text => JSON.parse(text) as EvaluatedPicture);

describe('going on', () => {
  it('keeps what is there, and knows whose picture it has', async () => {
    await write([line(0), line(1, { picture: null })]);
    const pictures = await write([line(2)], { resume: true });
    expect(lines()).toEqual([line(0), line(1, { picture: null }), line(2)]);
    expect(pictures.warnings).toEqual([]);
    expect([0, 1, 2].map(index => pictures.hasPicture(index, `photos/${index}.jpg`))).toEqual([true, false, false]);
    expect(pictures.hasPicture(0, 'other/0.jpg')).toBe(false);
  });

  it('without resuming begins anew', async () => {
    await write([line(0)]);
    await write([line(1)]);
    expect(lines()).toEqual([line(1)]);
  });

  it('ignores a line that an interruption tore', async () => {
    await write([line(0), line(1)]);
    truncateSync(path, readFileSync(path).length - 20);
    const { warnings } = await write([], { resume: true });
    expect(lines()).toEqual([line(0)]);
    expect(warnings).toEqual([]);
  });

  it('tries failed images again', async () => {
    await write([line(0, { error: { code: 'ERR_IMAGE_INVALID', message: 'no' }, maps: [] }), line(1)]);
    await write([], { resume: true });
    expect(lines()).toEqual([line(1)]);
  });

  it('keeps no curves of a metric with other parameters', async () => {
    const both = mapLine('grad-cam', { curves: { deletion: curve, insertion: curve } });
    await write([line(0, { maps: [both] })]);
    const changed = { ...run, metrics: { ...run.metrics, deletion: { steps: 9 } } };
    await write([], { resume: true, run: changed });
    expect(Object.keys(lines()[0]!.maps[0]!.curves)).toEqual(['insertion']);
  });

  it.each([
    ['of another model', () => writeFileSync(path, `${JSON.stringify({ run: { ...run, model: 'x' } })}\n`)],
    ['without identity', () => writeFileSync(path, `${JSON.stringify(line(0))}\n`)],
    ['of something else', () => writeFileSync(path, '\u0000\u0001 no JSON\n'.repeat(40))],
    ['with a damaged line', () => appendFileSync(path, '{"name":"x"}\n')],
  ])('says what it cannot use: a file %s', async (_, damage) => {
    await write([]);
    damage();
    appendFileSync(path, `${JSON.stringify(line(7))}\n`);
    const { warnings } = await write([line(8)], { resume: true });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(path);
    expect(lines().at(-1)).toEqual(line(8));
  });
});

describe('a line', () => {
  it('is one with all that is written', () => {
    expect(parseEvaluated(JSON.stringify(line(0)))).toEqual(line(0));
    const failed = line(0, {
      size: null,
      picture: null,
      error: { code: 'ERR_IMAGE_INVALID', message: 'no' },
      maps: [],
    });
    expect(parseEvaluated(JSON.stringify(failed))).toEqual(failed);
  });

  const { map } = mapLine('grad-cam');
  const ofMap = (changes: object) => line(0, { maps: [mapLine('grad-cam', { map: { ...map!, ...changes } })] });
  it.each([
    ['a name that is none', line(0, { name: 5 as never })],
    ['a place below 0', line(0, { index: -1 })],
    ['a picture that is a document', line(0, { picture: { ...line(0).picture!, type: 'image/svg+xml' } })],
    ['a picture that is no base64', line(0, { picture: { ...line(0).picture!, data: 'a"><script>' } })],
    ['a gigantic picture', line(0, { picture: { ...line(0).picture!, width: 1e9 } })],
    ['a map with too few values', ofMap({ width: 2 })],
    ['a gigantic map', ofMap({ width: 1e6, height: 1e6 })],
    ['an infinite value', ofMap({ data: 'AHw=' })],
    ['a value above 1', ofMap({ data: 'AEA=' })],
    ['an odd type', ofMap({ type: 'float64' })],
    ['a place that is none', ofMap({ x: { scale: null, offset: 0 } })],
    ['a status that is none', line(0, { maps: [mapLine('a', { status: 'fine' as never })] })],
    [
      'curves of unequal length',
      line(0, { maps: [mapLine('a', { curves: { deletion: { x: 'ADw=', y: 'ADwAPA==' } } })] }),
    ],
    ['curves of something else', line(0, { maps: [mapLine('a', { curves: { nothing: curve } })] })],
    ['no list of maps', line(0, { maps: {} as never })],
  ])('is none with %s', (_, hostile) => {
    expect(parseEvaluated(JSON.stringify(hostile))).toBeUndefined();
  });

  it('adds to an earlier one of the same image', () => {
    const later = line(0, {
      picture: null,
      maps: [mapLine('grad-cam', { curves: { insertion: curve } }), mapLine('layer-cam')],
    });
    const joined = joinedLines([line(0), later]);
    expect(joined.picture).toEqual(line(0).picture);
    expect(joined.maps.map(({ method, curves }) => [method, Object.keys(curves)])).toEqual([
      ['grad-cam', ['deletion', 'insertion']],
      ['layer-cam', ['deletion']],
    ]);
  });
});
