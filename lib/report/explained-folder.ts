import { basename, resolve } from 'node:path';
import { listOf, numberOf, recordOf, textOf } from '../common/of-type.ts';
import { Recent } from '../common/recent.ts';
import { type Placement, place, type Size } from '../image/geometry.ts';
import { planePixels } from '../image/plane.ts';
import { LeavesFolder, openNamedInside } from '../io/inside-folder.ts';
import { type NpyArray, parseNpy } from '../io/npy.ts';
import { readWhole, UnfitFile } from '../io/regular-file.ts';
import type { FoundManifests } from '../manifest/find-manifests.ts';
import { readManifests } from '../manifest/read-manifests.ts';
import type { ReportResult } from './data.ts';
import { FirstPhotos, type FoundPhoto } from './first-photos.ts';
import type { Plane } from './fit-grid.ts';
import { type InputPlace, inputPicture } from './input-picture.ts';
import { ManifestRun, photoName, type RecordedPhoto, type RecordedResult } from './manifest-run.ts';
import type { SmallMap } from './payload.ts';
import { readLines } from './read-lines.ts';
import type { ReadOptions } from './read-options.ts';
import type { LoadedPhoto, RunSource } from './run-source.ts';
import { smallMap } from './small-map.ts';

/** Photographs that are shown, unless another number is asked for. */
const FIRST = 1000;

/** Bytes of a map: what one array in memory holds. */
const LARGEST = 2 ** 31 - 1;

/**
 * What `explain` left in a folder: its manifests, the maps (`*.map.npy`), and the pictures where they are still there. Of all results
 * only the places of those of the first photographs are kept.
 * @throws `ERR_OPTION_INVALID` for manifests that `explain` has not written, or of different runs; `ERR_ABORTED`
 */
export async function explainedFolder(
  found: FoundManifests,
  { missing, warn, pictures = FIRST, signal }: ReadOptions,
): Promise<RunSource> {
  const { folder } = found;
  const first = new FirstPhotos(pictures, { hasParts: found.names.length > 1 });
  const { header, warnings } = await readManifests(found, line => first.add(line), signal);
  for (const warning of [...found.warnings, ...warnings]) warn(warning);
  const { photos, leftOut } = first.settle();
  const run = new ManifestRun(header, basename(resolve(folder)));
  const tensors = new Recent<string, Promise<NpyArray>>(1);
  // One after the other, so that what made the maps is listed in the order of the photographs.
  let turn: Promise<unknown> = Promise.resolve();
  const recorded = (photo: FoundPhoto): Promise<RecordedPhoto> => {
    const read = turn.then(async () => run.photo(photo, await readLines(found, photo)));
    turn = read.catch(() => {});
    return read;
  };
  return {
    run: run.run,
    photos: photos.map(photo => ({
      name: photoName(photo),
      load: async () => load({ folder, tensors, missing }, await recorded(photo)),
    })),
    leftOut,
  };
}

interface FolderParts extends Pick<InputPlace, 'folder' | 'tensors'> {
  readonly missing: (what: string) => void;
}

async function load({ folder, tensors, missing }: FolderParts, photo: RecordedPhoto): Promise<LoadedPhoto> {
  const { input, image, said, results } = photo;
  const shapes = results.map(({ shape }) => shape).find(shape => shape.length > 0) ?? [];
  const found = said.error ? null : await inputPicture({ input, folder, image, map: shapes, tensors });
  if (!found && !said.error) missing(`the picture ${input}`);
  const maps: SmallMap[] = [];
  const shown: ReportResult[] = [];
  let size = found?.size;
  for (const result of results) {
    const map = result.file === null ? null : await readMap(folder, result.file);
    if (!map && result.result.status === 'ok') missing(`the map of ${photo.name} by ${result.method}`);
    size ??= map ?? undefined;
    const isShown = map !== null && result.result.status === 'ok';
    shown.push({ ...result.result, map: isShown ? maps.length : null });
    if (isShown)
      maps.push(smallMap(map, { over: 'picture', placement: placementOf(result, found?.size ?? map) }, result.own));
  }
  return {
    size: size ?? { width: 1, height: 1 },
    said: { ...said, results: shown },
    payload: { picture: found?.picture ?? null, maps, curves: {} },
  };
}

/** Of a picture, or of a volume the plane that overlays show; null where the file is gone, or is no map. */
async function readMap(folder: string, name: string): Promise<Plane | null> {
  try {
    const { data, dims } = parseNpy(await readWhole(await openNamedInside(folder, name), LARGEST), name);
    if (data.length === 0 || !allFinite(data)) return null;
    if (dims.length === 2) return { data, width: dims[1]!, height: dims[0]! };
    if (dims.length !== 3) return null;
    const { width, height, at } = planePixels(dims as [number, number, number], {});
    const plane = Float32Array.from({ length: width * height }, (_, i) => data[at(Math.floor(i / width), i % width)]!);
    return { data: plane, width, height };
  } catch (error) {
    if (error instanceof LeavesFolder || error instanceof UnfitFile || isOfFile(error)) return null;
    throw error;
  }
}

/** Of millions of values; a callback for each takes five times as long. */
function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

const isOfFile = (error: unknown): boolean => textOf(recordOf(error).code) !== null;

/** No input of a network is larger. */
const LARGEST_SIDE = 2 ** 16;

function sideOf(value: unknown): number | null {
  const side = numberOf(value);
  return side !== null && Number.isInteger(side) && side >= 1 && side <= LARGEST_SIDE ? side : null;
}

/** How the picture lay in the model's input; a tensor is the input. */
function placementOf({ preprocess }: RecordedResult, picture: Size): Placement {
  const { size, fit, resize, cropPct } = preprocess;
  const [width, height] = listOf(size).map(sideOf);
  const isKnown = fit === 'squeeze' || fit === 'crop' || fit === 'letterbox';
  if (!isKnown || !width || !height) return place(picture, picture, 'squeeze');
  const share = numberOf(cropPct);
  return place(picture, { width, height }, fit, {
    resize: sideOf(resize),
    cropPct: share !== null && share > 0.01 && share <= 1 ? share : null,
  });
}
