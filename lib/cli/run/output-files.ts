import { encodeImage } from '../../image/encode.ts';
import type { RawPicture } from '../../image/raw-picture.ts';
import { formatNpy } from '../../io/npy.ts';
import type { MapBox } from '../../result/boxes.ts';
import type { Explanation } from '../../result/explanation.ts';
import type { Threshold } from '../../result/threshold.ts';
import type { OutputStore } from '../../stores/output-store.ts';
import { PICTURE_EXTENSION, type SaveFormat, type SaveKind, type SaveOptions } from '../options/save-option.ts';

/** File names of one result by kind, relative to where results go. */
export type ResultFiles = Readonly<Partial<Record<SaveKind, string>>>;

/** What was written of one result, and what was found for it. */
export interface Saved {
  /** Relative to where results go. */
  readonly files: ResultFiles;
  /** Where they were asked for. */
  readonly boxes?: readonly MapBox[];
}

/** What tells a result's files from the others of the same run. */
export interface ResultName {
  readonly stem: string;
  /** Number of the image, for a tensor with N > 1. */
  readonly image?: number;
  /** Class index, where one input has several targets; with a number where several are of one class. */
  readonly target?: string;
  readonly method: string;
}

/** What the names of a result's files have in common: `STEM[.I][.tINDEX].METHOD` */
export function commonName({ stem, image, target, method }: ResultName): string {
  const inserted = [image ?? [], target === undefined ? [] : `t${target}`].flat();
  return [stem, ...inserted, method].join('.');
}

function fileName(name: ResultName, kind: SaveKind, format: SaveFormat): string {
  // A mask is its two values: no format that changes them.
  const extension = kind === 'mask' ? 'png' : isPicture(kind) ? PICTURE_EXTENSION[format] : 'npy';
  return [commonName(name), kind, extension].join('.');
}

const isPicture = (kind: SaveKind): kind is 'heatmap' | 'overlay' => kind === 'heatmap' || kind === 'overlay';

/**
 * Writes the wanted files of one result; all of them or none.
 * @returns what was written, and the overlay where it was drawn
 * @throws `ERR_OUTPUT`
 */
export async function saveResult(
  explanation: Explanation,
  name: ResultName,
  store: OutputStore,
  save: SaveOptions,
): Promise<Saved & { readonly overlay?: RawPicture | undefined }> {
  const { kinds, format, quality, threshold } = save;
  const written: SaveKind[] = [];
  try {
    const boxes = save.boxes ? await explanation.boxes({ threshold }) : undefined;
    const overlay = save.draws || kinds.includes('overlay') ? await explanation.overlay({ boxes }) : undefined;
    for (const kind of kinds) {
      const content = await contentOf(explanation, kind, { format, quality, threshold, overlay });
      await store.put(fileName(name, kind, format), content);
      written.push(kind);
    }
    return { files: Object.fromEntries(kinds.map(kind => [kind, fileName(name, kind, format)])), boxes, overlay };
  } catch (error) {
    for (const kind of written) await store.remove(fileName(name, kind, format)).catch(() => {});
    throw error;
  }
}

interface Content {
  readonly format: SaveFormat;
  readonly quality: number | undefined;
  readonly threshold: Threshold | undefined;
  readonly overlay: RawPicture | undefined;
}

async function contentOf(
  explanation: Explanation,
  kind: SaveKind,
  { format, quality, threshold, overlay }: Content,
): Promise<Uint8Array | readonly Uint8Array[]> {
  if (kind === 'raw') return formatNpy(explanation.raw);
  if (kind === 'mask') return encodeImage(await explanation.mask({ threshold }));
  if (kind === 'overlay') return encodeImage(overlay!, { format, quality });
  if (kind === 'heatmap') return explanation.toBuffer({ kind, format, quality });
  const { data, width, height, dims = [height, width] } = explanation.map;
  return formatNpy({ data, dims });
}
