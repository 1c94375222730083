import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { place } from '../../lib/image/geometry.ts';
import type { Explanation, RawPicture } from '../../lib/index.ts';
import { load } from '../../lib/load.ts';
import type { ReportData, ReportPhoto, ReportResult } from '../../lib/report/data.ts';
import type { PhotoPayload, SmallPicture } from '../../lib/report/payload.ts';
import { smallMap } from '../../lib/report/small-map.ts';
import { type Sample, sampleReport } from './sample-report.ts';

const assets = new URL('../../assets/', import.meta.url);
export const FITS = ['squeeze', 'crop', 'letterbox'] as const;
const METHODS = ['grad-cam', 'eigen-cam'] as const;
/** Wide and square ones. */
const PICTURES = { squeeze: 'coffee.jpg', crop: 'rocket.jpg', letterbox: 'cat.png' } as const;
/** Pixels of the longer side of pictures and maps. */
const SIDE = 320;

/** A photograph of the report with what the library says of it. */
export interface RealPhoto {
  readonly original: { readonly width: number; readonly height: number };
  /** Of each method, at the size of the report's pictures. */
  readonly explanations: readonly Explanation[];
}

export interface RealReport extends Sample {
  readonly real: readonly RealPhoto[];
}

/** Explanations of real photographs by a real network, fitted into its input in all three ways, as a report of one run. */
export async function realReport(): Promise<RealReport> {
  const real: RealPhoto[] = [];
  const photos: ReportPhoto[] = [];
  const chunk: PhotoPayload[] = [];
  for (const fit of FITS) {
    await using cam = await load(new URL('efficientnet-lite0.onnx', assets), { preprocess: { fit } });
    const path = fileURLToPath(new URL(`pictures/${PICTURES[fit]}`, assets));
    const { width = 0, height = 0 } = await sharp(path).metadata();
    const explanations: Explanation[] = [];
    for (const method of METHODS) explanations.push(await cam.explain(path, { method, mapSize: { max: SIDE } }));
    const original = { width, height };
    real.push({ original, explanations });
    chunk.push(await payloadOf(explanations, original, fit));
    photos.push({
      name: `${fit} ${PICTURES[fit]}`,
      ...original,
      chunk: 0,
      place: photos.length,
      runs: [saidOf(explanations)],
    });
  }
  return { data: dataOf(photos, (await sampleReport(3)).data), chunks: [chunk], real };
}

function saidOf(explanations: readonly Explanation[]): ReportPhoto['runs'][number] {
  return {
    predictions: explanations[0]!.predictions,
    correct: null,
    error: null,
    results: explanations.map(
      ({ target, status, reason }, maker): ReportResult => ({
        maker,
        target,
        status,
        reason,
        warnings: [],
        layer: 'the last',
        map: maker,
        metrics: {},
      }),
    ),
  };
}

async function payloadOf(
  explanations: readonly Explanation[],
  original: RealPhoto['original'],
  fit: (typeof FITS)[number],
): Promise<PhotoPayload> {
  const [first] = explanations;
  const [height, width] = first!.preprocess!.size.slice(-2) as [number, number];
  const { resize, cropPct } = first!.preprocess!;
  const placement = place(original, { width, height }, fit, { resize, cropPct });
  return {
    picture: await pngOf(await first!.overlay({ alpha: 0 })),
    maps: explanations.map(({ map, raw }) => smallMap(map, { over: 'picture', placement }, raw)),
    curves: {},
  };
}

/** Without loss, so that the page has the very pixels. */
async function pngOf({ data, info }: RawPicture): Promise<SmallPicture> {
  const png = await sharp(data, { raw: info }).png().toBuffer();
  return { type: 'image/png', data: png.toString('base64'), width: info.width, height: info.height };
}

function dataOf(photos: readonly ReportPhoto[], sample: ReportData): ReportData {
  const maker = { layer: '', convention: 'paper', params: '', technique: '', control: false } as const;
  const makers = METHODS.map(method => ({ ...maker, method }));
  return { ...sample, photos, runs: [{ ...sample.runs[0]!, makers, summary: null, curves: [] }] };
}
