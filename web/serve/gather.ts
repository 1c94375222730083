import type {
  PhotoInRun,
  ReportData,
  ReportMaker,
  ReportPhoto,
  ReportResult,
  ReportRun,
} from '../../lib/report/data.ts';
import type { PhotoPayload, SmallMap } from '../../lib/report/payload.ts';
import type { ServedExplanation, ServedModel, ServedPicture } from '../../lib/serve/api.ts';

// What the server answers, put together as a report: a run for each model, a photograph for each picture, a chunk for each photograph.

/** Of a picture that was not explained yet: it is shown without a map. */
const NOTHING_YET: PhotoInRun = { predictions: [], correct: null, error: null, results: [] };

export function withModel(data: ReportData, { name }: ServedModel): ReportData {
  const run: ReportRun = {
    name,
    model: { path: name, sha256: null },
    versions: { 'onnx-cam': data.version },
    started: new Date().toISOString(),
    makers: [],
    warnings: [],
    summary: null,
    curves: [],
  };
  const photos = data.photos.map(photo => ({ ...photo, runs: [...photo.runs, NOTHING_YET] }));
  return { ...data, runs: [...data.runs, run], photos };
}

export function withoutModel(data: ReportData, run: number): ReportData {
  const photos = data.photos.map(photo => ({ ...photo, runs: photo.runs.toSpliced(run, 1) }));
  return { ...data, runs: data.runs.toSpliced(run, 1), photos };
}

/** In place of a map that is gone: those behind it keep their places. */
const NO_MAP: SmallMap = {
  width: 1,
  height: 1,
  type: 'uint8',
  data: 'AA==',
  x: { scale: 1, offset: 0 },
  y: { scale: 1, offset: 0 },
  shown: [0, 0, 0, 0],
};

/** @param gone places of maps that nothing names any more */
export function withoutMaps(payload: PhotoPayload, gone: readonly (number | null)[]): PhotoPayload {
  return { ...payload, maps: payload.maps.map((map, place) => (gone.includes(place) ? NO_MAP : map)) };
}

/** @param chunk of its own */
export function withPicture(data: ReportData, { name, width, height }: ServedPicture, chunk: number): ReportData {
  const photo: ReportPhoto = { name, width, height, chunk, place: 0, runs: data.runs.map(() => NOTHING_YET) };
  return { ...data, photos: [...data.photos, photo] };
}

export function withoutPicture(data: ReportData, photo: number): ReportData {
  return { ...data, photos: data.photos.toSpliced(photo, 1) };
}

export interface Gathered {
  readonly data: ReportData;
  readonly payload: PhotoPayload;
  /** What stands in the report for the answer's results, in their order. */
  readonly results: readonly ReportResult[];
}

/** Adds an answer; results that are there already, of the same maker for the same target, stay as they are. */
export function withExplanation(
  data: ReportData,
  payload: PhotoPayload,
  place: { readonly photo: number; readonly run: number },
  answer: ServedExplanation,
): Gathered {
  const run = data.runs[place.run]!;
  const photo = data.photos[place.photo]!;
  const maker = placeOf(run.makers, answer.maker, isSameMaker);
  const warnings = [...new Set([...run.warnings, ...answer.warnings])];
  const maps = [...payload.maps];
  const results = [...(photo.runs[place.run]?.results ?? [])];
  const found = answer.results.map(result => {
    const former = results.find(one => one.maker === maker && isSameTarget(one.target, result.target));
    if (former) return former;
    const added: ReportResult = {
      ...result,
      maker,
      map: result.map === null ? null : maps.push(answer.maps[result.map]!) - 1,
      warnings: result.warnings.map(warning => warnings.indexOf(answer.warnings[warning]!)),
    };
    results.push(added);
    return added;
  });
  const said: PhotoInRun = { predictions: answer.predictions, correct: null, error: null, results };
  return {
    data: {
      ...data,
      runs: data.runs.with(place.run, {
        ...run,
        warnings,
        makers: maker < run.makers.length ? run.makers : [...run.makers, answer.maker],
      }),
      photos: data.photos.with(place.photo, { ...photo, runs: photo.runs.with(place.run, said) }),
    },
    payload: { ...payload, maps },
    results: found,
  };
}

/** The place of the same one; where it will be, if there is none. */
function placeOf<T>(all: readonly T[], one: T, isSame: (a: T, b: T) => boolean): number {
  const place = all.findIndex(each => isSame(each, one));
  return place < 0 ? all.length : place;
}

const isSameMaker = (a: ReportMaker, b: ReportMaker): boolean =>
  a.method === b.method &&
  a.layer === b.layer &&
  a.convention === b.convention &&
  a.params === b.params &&
  a.technique === b.technique;

const isSameTarget = (a: ReportResult['target'], b: ReportResult['target']): boolean =>
  a.kind === b.kind && a.index === b.index && a.label === b.label && a.score === b.score;

/** What is worth keeping of it: photographs and runs with explanations. @returns the report, and the former place of each photograph */
export function explainedOnly(data: ReportData): { readonly data: ReportData; readonly from: readonly number[] } {
  const runs = [...data.runs.keys()].filter(run => data.runs[run]!.makers.length > 0);
  const from = [...data.photos.keys()].filter(photo =>
    runs.some(run => (data.photos[photo]!.runs[run]?.results.length ?? 0) > 0),
  );
  return {
    data: {
      ...data,
      runs: runs.map(run => data.runs[run]!),
      photos: from.map(place => {
        const photo = data.photos[place]!;
        const said = runs.map(run => photo.runs[run] ?? null);
        return { ...photo, runs: said.map(one => (one?.results.length ? one : null)) };
      }),
    },
    from,
  };
}
