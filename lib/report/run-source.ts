import type { Size } from '../image/geometry.ts';
import { runStream } from '../io/picture-stream.ts';
import type { PhotoInRun, ReportPhoto, ReportRun } from './data.ts';
import type { PhotoPayload } from './payload.ts';
import type { PhotoEntry, ReportSource } from './write-report.ts';

/** One run as it is read for a report. */
export interface RunSource {
  readonly run: ReportRun;
  readonly photos: readonly SourcePhoto[];
  /** Photographs that it has besides. */
  readonly leftOut: number;
}

/** A photograph whose picture and maps are read when it is their turn. */
export interface SourcePhoto {
  /** The input, as it was given. */
  readonly name: string;
  readonly load: () => Promise<LoadedPhoto>;
}

export interface LoadedPhoto {
  /** Of the original. */
  readonly size: Size;
  readonly said: PhotoInRun;
  readonly payload: PhotoPayload;
}

/** The report of one run, or of two of the same photographs. */
export function reportSource(first: RunSource, second?: RunSource): ReportSource {
  return {
    runs: second ? [first.run, second.run] : [first.run],
    photos: entriesOf(second ? pairs(first.photos, second.photos) : first.photos.map(photo => [photo])),
    leftOut: Math.max(first.leftOut, second?.leftOut ?? 0),
  };
}

/** What two runs have of a photograph. */
type Pair = readonly [first: SourcePhoto | undefined, second?: SourcePhoto | undefined];

/**
 * Photographs of two runs that are the same: by their path, else by as much of its end as tells one photograph of each run. Those of the
 * second run alone come last.
 */
function pairs(first: readonly SourcePhoto[], second: readonly SourcePhoto[]): Pair[] {
  const left = new Set(second);
  const partner = new Map<SourcePhoto, SourcePhoto>();
  const match = (keyOf: (name: string) => string) => {
    const open = first.filter(photo => !partner.has(photo));
    const own = uniqueBy(open, keyOf);
    for (const [key, photo] of uniqueBy([...left], keyOf)) {
      const mine = photo && own.get(key);
      if (!mine) continue;
      partner.set(mine, photo);
      left.delete(photo);
    }
  };
  match(name => name);
  match(name => partsOf(name).slice(-2).join('/'));
  match(name => partsOf(name).at(-1)!);
  return [
    ...first.map((photo): Pair => [photo, partner.get(photo)]),
    ...[...left].map((photo): Pair => [undefined, photo]),
  ];
}

const partsOf = (name: string): string[] => name.split(/[\\/]/);

/** undefined for what several have. */
function uniqueBy(
  photos: readonly SourcePhoto[],
  keyOf: (name: string) => string,
): Map<string, SourcePhoto | undefined> {
  const found = new Map<string, SourcePhoto | undefined>();
  for (const photo of photos) {
    const key = keyOf(photo.name);
    found.set(key, found.has(key) ? undefined : photo);
  }
  return found;
}

/** Photographs that are read at once: each is decoded, and its maps are as large as it. */
const AT_ONCE = 3;

async function* entriesOf(pairs: readonly Pair[]): AsyncGenerator<PhotoEntry, void, void> {
  const load = (pair: Pair) => Promise.all(pair.map(photo => photo?.load() ?? null));
  for await (const { input: pair, result, error } of runStream(pairs, load, { concurrency: AT_ONCE })) {
    if (error) throw error;
    yield joined(pair.find(photo => photo !== undefined)!.name, result);
  }
}

/** The maps of all runs behind one another, the picture of the first that has one. */
function joined(name: string, loaded: readonly (LoadedPhoto | null)[]): PhotoEntry {
  const known = loaded.filter(one => one !== null);
  const { size } = known.find(({ payload }) => payload.picture) ?? known[0]!;
  const maps: PhotoPayload['maps'][number][] = [];
  const curves: Record<string, PhotoPayload['curves'][string]> = {};
  const runs = loaded.map((one): ReportPhoto['runs'][number] => {
    if (!one) return null;
    const before = maps.length;
    maps.push(...one.payload.maps);
    for (const [place, curve] of Object.entries(one.payload.curves)) curves[Number(place) + before] = curve;
    const results = one.said.results.map(result => ({
      ...result,
      map: result.map === null ? null : result.map + before,
    }));
    return { ...one.said, results };
  });
  const picture = known.find(({ payload }) => payload.picture)?.payload.picture ?? null;
  return { photo: { name, ...size, runs }, payload: { picture, maps, curves } };
}
