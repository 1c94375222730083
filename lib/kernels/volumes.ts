import { resize } from './maps.ts';
import type { Maps } from './types.ts';

/** Size of a volume. */
export interface VolumeSize {
  readonly depth: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Resizes volumes trilinearly with half-pixel centres, as `F.interpolate(mode='trilinear', align_corners=False)`: slices
 * first, then the columns through them.
 * @param maps [N, D·h, w] with `depth` D
 * @returns [N, D'·h', w'] with `depth` D'
 */
export async function resizeVolumes(maps: Maps, { depth, height, width }: VolumeSize): Promise<Maps> {
  const [count, rows, columns] = maps.dims;
  const from = maps.depth ?? 1;
  const interpolation = 'bilinear';
  const slices: Maps = { data: maps.data, dims: [count * from, rows / from, columns] };
  const { data } = await resize(slices, { height, width, interpolation });
  const area = height * width;
  const through = await resize({ data, dims: [count, from, area] }, { height: depth, width: area, interpolation });
  return { data: through.data, dims: [count, depth * height, width], depth };
}
