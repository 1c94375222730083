import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { Random } from '../../lib/common/random.ts';
import { SummaryBuilder } from '../../lib/evaluation/summary.ts';
import { toBase64 } from '../../lib/report/base64.ts';
import type { PhotoInRun, ReportData, ReportMaker, ReportResult, ReportRun } from '../../lib/report/data.ts';
import { toHalf } from '../../lib/report/half.ts';
import { reportHtml, scriptJson } from '../../lib/report/html.ts';
import type { PhotoPayload, SmallMap } from '../../lib/report/payload.ts';

/** A label that would show a dialog if a page took it for HTML. */
export const HOSTILE = '<img src=x onerror="alert(1)"></script><!--';

export interface Sample {
  readonly data: ReportData;
  readonly chunks: readonly (readonly PhotoPayload[])[];
}

const METRICS = ['deletion', 'insertion', 'road'];
const METHODS = ['grad-cam', 'layer-cam', 'random'];

/**
 * A report of made-up pictures: two runs of three makers, of which one is a control, with two classes each; names, classes,
 * confidences, statuses, warnings and metrics differ. The picture before the last failed, the last one has no picture and is in the
 * first run alone.
 */
export async function sampleReport(photos = 6): Promise<Sample> {
  const source = new Random(1);
  const random = () => source.uniform();
  const chunk = await Promise.all(Array.from({ length: photos }, (_, i) => payload(i, photos, random)));
  const perChunk = 4;
  const chunks = Array.from({ length: Math.ceil(photos / perChunk) }, (_, c) =>
    chunk.slice(c * perChunk, (c + 1) * perChunk),
  );
  const data: ReportData = {
    version: '0.1.0',
    made: '2026-01-02T03:04:05.000Z',
    runs: [await run('float', photos), await run('int8', photos)],
    photos: Array.from({ length: photos }, (_, i) => ({
      name: i === 0 ? `photos/${HOSTILE}.jpg` : `photos/picture-${i}.jpg`,
      width: 640,
      height: 480,
      chunk: Math.floor(i / perChunk),
      place: i % perChunk,
      runs: [photoIn(0, i, photos), i === photos - 1 ? null : photoIn(1, i, photos)],
    })),
    leftOut: 0,
    payloads: null,
  };
  return { data, chunks };
}

/** Writes the sample as a page. @returns its address */
export async function writeSample({ data, chunks }: Sample): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'onnx-cam-page-'));
  const built = (name: string) => readFile(new URL(`../../dist/web/${name}`, import.meta.url), 'utf8');
  const files = { script: await built('page.js'), style: await built('page.css') };
  const path = join(folder, 'index.html');
  await writeFile(path, reportHtml(data, chunks.map(scriptJson), files));
  return pathToFileURL(path).href;
}

const MAKERS: readonly ReportMaker[] = METHODS.map(method => ({
  method,
  layer: method === 'random' ? '' : 'auto',
  convention: 'paper',
  params: '',
  technique: method === 'layer-cam' ? 'smooth-grad' : '',
  control: method === 'random',
}));

const metricValue = (run: number, photo: number, maker: number, metric: number): number =>
  ((7 * run + 13 * photo + 5 * maker + 3 * metric) % 20) / 20;

async function run(name: string, photos: number): Promise<ReportRun> {
  const builder = new SummaryBuilder({
    metrics: METRICS.map(metric => ({ name: metric, direction: metric === 'deletion' ? 'lower' : 'higher' })),
    seed: 0,
    resamples: 200,
  });
  const place = name === 'int8' ? 1 : 0;
  const row = (photo: number, maker: number, metric: number) => ({
    ...MAKERS[maker]!,
    image: `photos/picture-${photo}.jpg`,
    index: photo,
    class: 1,
    label: 'tabby',
    probability: 0.5,
    correct: null,
    metric: METRICS[metric]!,
    value: metricValue(place, photo, maker, metric),
    status: 'ok' as const,
    reason: null,
    runs: 1,
    ms: 1,
  });
  for (let photo = 0; photo < photos; photo++)
    for (let maker = 0; maker < MAKERS.length; maker++)
      for (let metric = 0; metric < METRICS.length; metric++) builder.add(row(photo, maker, metric));
  const summary = await builder.summary({
    versions: { 'onnx-cam': '0.1.0', node: '20.20.2', onnxruntime: '1.29.0' },
    model: { path: `models/${name}.onnx`, sha256: '0'.repeat(64) },
    images: { given: photos, chosen: `all of photos/`, leftOut: 0 },
    preprocess: null,
    target: 'top1',
    convention: 'paper',
    params: {},
    truth: null,
    seed: 0,
    bootstrap: { resamples: 200, interval: 'percentile, 95 %' },
    started: '2026-01-02T03:04:05.000Z',
    resumed: false,
    warnings: [`a warning of ${HOSTILE}`],
  });
  const x = Array.from({ length: 11 }, (_, i) => i / 10);
  return {
    name: `${name}.onnx`,
    model: { path: `models/${name}.onnx`, sha256: '0'.repeat(64) },
    versions: { 'onnx-cam': '0.1.0' },
    started: '2026-01-02T03:04:05.000Z',
    makers: MAKERS,
    warnings: ['the preprocessing was guessed', `the label is ${HOSTILE}`],
    summary,
    curves: MAKERS.flatMap((maker, m) =>
      METRICS.map(metric => ({
        ...maker,
        metric,
        n: photos,
        x,
        y: x.map(t => (metric === 'deletion' ? 1 - t : t) ** (1 + m)),
      })),
    ),
  };
}

function photoIn(run: number, photo: number, photos: number): PhotoInRun {
  if (photo === photos - 2)
    return {
      predictions: [],
      correct: null,
      error: { code: 'ERR_IMAGE_INVALID', message: `no picture: ${HOSTILE}` },
      results: [],
    };
  const classes = [
    { index: 1, label: photo === 0 ? HOSTILE : 'tabby', probability: 0.9 - photo / 20 },
    { index: 4, label: null, probability: photo / 20 },
  ];
  return {
    predictions: classes,
    correct: photo % 3 === 0 ? true : photo % 3 === 1 ? false : null,
    error: null,
    results: MAKERS.flatMap((_, maker) =>
      classes.map((target, t): ReportResult => {
        const isZero = photo === 2 && maker === 1;
        return {
          maker,
          target: { ...target, score: 3 - t, kind: 'class' },
          status: isZero ? 'zero' : 'ok',
          reason: isZero ? 'no gradient is positive' : null,
          warnings: photo === 1 ? [0] : [],
          layer: 'features.12',
          map: (run * MAKERS.length + maker) * classes.length + t,
          metrics: Object.fromEntries(METRICS.map((metric, m) => [metric, metricValue(run, photo, maker, m)])),
        };
      }),
    ),
  };
}

async function payload(photo: number, photos: number, random: () => number): Promise<PhotoPayload> {
  if (photo === photos - 2) return { picture: null, maps: [], curves: {} };
  const [width, height] = [320, 240];
  const colours = Buffer.alloc(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      colours.set([(255 * x) / width, (255 * y) / height, 60 * (photo % 4)], 3 * (y * width + x));
  const webp = await sharp(colours, { raw: { width, height, channels: 3 } })
    .webp({ quality: 80 })
    .toBuffer();
  const maps = Array.from({ length: 2 * MAKERS.length * 2 }, () => sampleMap(random));
  const points = Array.from({ length: 11 }, (_, i) => i / 10);
  const curve = { x: float16(points), y: float16(points.map(t => 1 - t)) };
  return {
    picture: photo === photos - 1 ? null : { type: 'image/webp', data: webp.toString('base64'), width, height },
    maps,
    curves: Object.fromEntries(maps.map((_, i) => [i, { deletion: curve }])),
  };
}

/** 7 × 5 values over the whole picture, the largest 1. */
function sampleMap(random: () => number): SmallMap {
  const values = Array.from({ length: 35 }, () => random() ** 2);
  const most = Math.max(...values);
  return {
    width: 7,
    height: 5,
    type: 'float16',
    data: float16(values.map(value => value / most)),
    x: { scale: 7, offset: 0 },
    y: { scale: 5, offset: 0 },
    shown: [0, 0, 1, 1],
  };
}

/** Numbers as float16 in base64. */
export const float16 = (values: readonly number[]): string => toBase64(toHalf(values));
