import { createHash } from 'node:crypto';
import { OnnxCamError } from '../common/errors.ts';
import { shown } from '../common/shown.ts';
import type { DetectionReadout } from './detection.ts';

/**
 * Positions of a segmentation output, in its own pixels: those where the class is predicted (the largest logit; of a
 * single or sigmoid output a positive one), those where a mask of the output's size is not zero, a box
 * `[x, y, width, height]` (a pixel belongs to it when its centre does), or one pixel.
 */
export type Region =
  | 'predicted'
  | { readonly mask: Uint8Array; readonly width: number; readonly height: number }
  | { readonly box: readonly [x: number, y: number, width: number, height: number] }
  | { readonly point: readonly [x: number, y: number] };

/** How scores are made of an output that is not one value per class: nodes behind it that give rows of scores. */
export type Readout =
  /** For each class the sum of its logits over the region, [N, K]. */
  | { readonly kind: 'region'; readonly region: Region }
  /** The cosines of an embedding's angles to some vectors, [N, V]. */
  | { readonly kind: 'similarity'; readonly vectors: readonly Float32Array[] }
  /** For each class the scores of a detector's candidates that belong to a box, or of the best one, [N, K]. */
  | DetectionReadout
  /** D-RISE's similarities of the image's detections to others, [N, T]. */
  | DetectionSimilarity;

/** Detections that those of an image are compared with. */
export interface DetectionSimilarity extends Pick<DetectionReadout, 'format'> {
  readonly kind: 'detection-similarity';
  readonly references: readonly {
    /** Corners in the input's pixels. */
    readonly corners: readonly number[];
    /** Confidences of the classes, any length. */
    readonly classes: Float32Array;
  }[];
}

/** Equal for readouts that give the same scores. */
export function readoutKey(readout: Readout | undefined): string {
  if (!readout) return '';
  if (readout.kind === 'similarity') {
    const hash = createHash('sha1');
    for (const vector of readout.vectors) hash.update(vector);
    return `${readout.vectors.length} ${hash.digest('hex')}`;
  }
  if (readout.kind !== 'region') return JSON.stringify(readout);
  const { region } = readout;
  if (typeof region === 'string' || !('mask' in region)) return JSON.stringify(region);
  return `${region.width}x${region.height} ${createHash('sha1').update(region.mask).digest('hex')}`;
}

/** What users give as a region; a mask may be of numbers or booleans, row-major. */
export type RegionInput =
  | Exclude<Region, { readonly mask: Uint8Array }>
  | { readonly mask: ArrayLike<number | boolean>; readonly width: number; readonly height: number };

/** @throws `ERR_OPTION_INVALID` */
export function parseRegion(input: RegionInput): Region {
  if (input === 'predicted') return input;
  if (typeof input === 'object' && input !== null) {
    if ('box' in input && isNumbers(input.box, 4) && input.box[2] > 0 && input.box[3] > 0)
      return { box: [...input.box] };
    if ('point' in input && isNumbers(input.point, 2)) return { point: [...input.point] };
    if ('mask' in input) return parseMask(input);
  }
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    "`region` is 'predicted', { mask, width, height }, { box: [x, y, width, height] } with a positive size, or " +
      `{ point: [x, y] }, not ${shown(input)}`,
  );
}

function parseMask({
  mask,
  width,
  height,
}: {
  mask: ArrayLike<number | boolean>;
  width: number;
  height: number;
}): Region {
  if (mask?.length !== width * height)
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `a mask of ${width} × ${height} holds ${width * height} values, not ${mask?.length}`,
    );
  const values = Uint8Array.from(mask, value => (value ? 1 : 0));
  if (!values.includes(1))
    throw new OnnxCamError('ERR_OPTION_INVALID', 'the mask is zero everywhere: its region is empty');
  return { mask: values, width, height };
}

function isNumbers(values: readonly number[], count: number): boolean {
  return Array.isArray(values) && values.length === count && values.every(Number.isFinite);
}
