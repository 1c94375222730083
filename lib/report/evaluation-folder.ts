import { open } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { isRecord } from '../common/checks.ts';
import { OnnxCamError } from '../common/errors.ts';
import { jsonRecord } from '../common/json-record.ts';
import { readCsvRows } from '../evaluation/csv-rows.ts';
import { isControl } from '../evaluation/direction.ts';
import { isFailed, type MapMaker, makerKey } from '../evaluation/rows.ts';
import { differenceOf, parseRunRecord } from '../evaluation/run-record.ts';
import { readRange, readRegular } from '../io/regular-file.ts';
import type { FileLine } from '../io/whole-lines.ts';
import { parseEvaluated } from './check-evaluated.ts';
import { parseSummary } from './check-summary.ts';
import type { ReportMaker, ReportResult } from './data.ts';
import { type EvaluatedPicture, imageKey, joinedLines } from './evaluated-image.ts';
import type { PhotoPayload } from './payload.ts';
import { Places } from './places.ts';
import { PICTURES_FILE, readEvaluated } from './read-evaluated.ts';
import type { ReadOptions } from './read-options.ts';
import type { LoadedPhoto, RunSource, SourcePhoto } from './run-source.ts';

/** Bytes of summary.json and curves.json. */
const LARGEST = 2 ** 28;

/** An image that is shown, and where its lines are. */
interface Shown {
  readonly index: number;
  readonly name: string;
  readonly lines: Pick<FileLine, 'start' | 'length'>[];
}

/** By image, maker and metric. */
type Values = Map<string, Map<string, Record<string, number | null>>>;

/**
 * What `evaluate` left in a folder: rows, curves, summary, and the pictures and maps of the first images. Those are read when it is
 * their turn. A run that has not ended has no summary.
 * @throws `ERR_OPTION_INVALID` for a folder without the table of an evaluation
 */
export async function evaluationFolder(
  folder: string,
  { missing, pictures = Infinity }: Pick<ReadOptions, 'missing' | 'pictures'>,
): Promise<RunSource> {
  const record = parseRunRecord(await textIn(folder, 'curves.json'));
  const summary = parseSummary(await textIn(folder, 'summary.json'));
  const name = basename(resolve(folder));
  const shown = new Map<string, Shown>();
  const makers = new Makers();
  for (const entry of summary?.metrics ?? []) makers.placeOf(entry);
  const wrong = await readEvaluated(
    folder,
    run => record && differenceOf(run, record.run),
    ({ index, name: image, maps }, { start, length }) => {
      const key = imageKey(index, image);
      const found = shown.get(key);
      if (found) found.lines.push({ start, length });
      else shown.set(key, { index, name: image, lines: [{ start, length }] });
      for (const map of maps) makers.placeOf(map);
    },
  );
  if (wrong !== undefined) missing(`pictures and maps (${wrong})`);
  if (!summary)
    missing(
      `the summary (${join(folder, 'summary.json')} is missing or damaged; an evaluation that has not ended has none)`,
    );
  const photos = [...shown].sort(([, a], [, b]) => a.index - b.index);
  for (const [key] of photos.slice(pictures)) shown.delete(key);
  const { values, images } = await readRows(folder, shown);
  const warnings = new Places<string>();
  const load = (one: Shown) => loadPhoto(folder, one, { values, makers, warnings });
  return {
    run: {
      name: summary ? name : `${name} (not finished)`,
      model: summary?.provenance.model ?? { path: null, sha256: record?.run.model ?? null },
      versions: summary?.provenance.versions ?? { 'onnx-cam': record?.run.version ?? null },
      started: summary?.provenance.started ?? '',
      makers: makers.list,
      warnings: warnings.list,
      summary,
      curves: record?.curves ?? [],
    },
    photos: photos.slice(0, pictures).map(([, one]): SourcePhoto => ({ name: one.name, load: () => load(one) })),
    leftOut: images,
  };
}

async function textIn(folder: string, file: string): Promise<string> {
  return readRegular(join(folder, file), LARGEST).then(
    bytes => Buffer.from(bytes).toString('utf8'),
    () => '',
  );
}

/** Values of the images that are shown, and the number of the others. */
async function readRows(
  folder: string,
  shown: ReadonlyMap<string, Shown>,
): Promise<{ values: Values; images: number }> {
  const path = join(folder, 'metrics.csv');
  const values: Values = new Map();
  const others = new Set<string>();
  try {
    for await (const row of readCsvRows(path, { failed: true })) {
      const key = imageKey(row.index, row.image);
      if (!shown.has(key)) others.add(key);
      else if (!isFailed(row)) {
        const byMaker = values.get(key) ?? new Map<string, Record<string, number | null>>();
        values.set(key, byMaker);
        const maker = makerKey(row);
        byMaker.set(maker, { ...byMaker.get(maker), [row.metric]: row.value });
      }
    }
  } catch (cause) {
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `${path} is no table of onnx-cam evaluate (${(cause as Error).message}); give the folder that evaluate wrote`,
      { cause },
    );
  }
  return { values, images: others.size };
}

interface RunParts {
  readonly values: Values;
  readonly makers: Makers;
  readonly warnings: Places<string>;
}

async function loadPhoto(folder: string, { index, name, lines }: Shown, parts: RunParts): Promise<LoadedPhoto> {
  const picture = joinedLines(await readLines(join(folder, PICTURES_FILE), lines));
  const byMaker = parts.values.get(imageKey(index, name));
  const maps: PhotoPayload['maps'][number][] = [];
  const curves: Record<string, PhotoPayload['curves'][string]> = {};
  const results = picture.maps.map((line): ReportResult => {
    const map = line.map && maps.push(line.map) - 1;
    if (map !== null && Object.keys(line.curves).length > 0) curves[map] = line.curves;
    return {
      maker: parts.makers.placeOf(line),
      target: line.target,
      status: line.status,
      reason: line.reason,
      warnings: line.warnings.map(warning => parts.warnings.placeOf(warning)),
      layer: line.layers,
      map,
      metrics: byMaker?.get(makerKey(line)) ?? {},
    };
  });
  const { predictions, correct, error } = picture;
  return {
    size: picture.size ?? { width: 1, height: 1 },
    said: { predictions, correct, error, results },
    payload: { picture: picture.picture, maps, curves },
  };
}

/** @throws `ERR_OPTION_INVALID` where the file has become another since it was looked through */
async function readLines(path: string, lines: Shown['lines']): Promise<EvaluatedPicture[]> {
  const file = await open(path);
  try {
    const found: EvaluatedPicture[] = [];
    for (const { start, length } of lines) {
      const picture = parseEvaluated(Buffer.from(await readRange(file, start, length)).toString('utf8'));
      if (!picture) throw new OnnxCamError('ERR_OPTION_INVALID', `${path} was changed while it was read; try again`);
      found.push(picture);
    }
    return found;
  } finally {
    await file.close();
  }
}

class Makers {
  readonly #places = new Places<ReportMaker>();
  readonly list = this.#places.list;

  placeOf({ method, layer, convention, params }: MapMaker): number {
    const maker = { method, layer, convention, params };
    return this.#places.placeOf(
      { ...maker, technique: techniqueOf(params), control: isControl(method) },
      makerKey(maker),
    );
  }
}

/** Names of the techniques among a maker's parameters. */
function techniqueOf(params: string): string {
  const asked = [jsonRecord(params)?.technique].flat();
  const names = asked.map(one => (isRecord(one) ? one.name : one));
  return names.filter(name => typeof name === 'string').join('+');
}
