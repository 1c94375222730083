import { OnnxCamError } from '../common/errors.ts';
import { addon } from '../engine/addon.ts';
import { withSignal } from '../engine/cancellation.ts';
import type { CancellationHandle } from '../engine/native-engine.ts';
import { type Answer, steady } from './native-kernels.ts';
import type { Maps } from './types.ts';
import { type Mapping, mappingNumbers } from './warp.ts';

interface AugmentedMapKernel {
  augmentedMap(
    maps: Float32Array,
    count: number,
    height: number,
    width: number,
    toHeight: number,
    toWidth: number,
    mappings: Float64Array,
    steps: number,
    totalVariation: number,
    energy: number,
    iterations: number,
    rate: number,
    cancellation?: CancellationHandle,
  ): Answer<Float32Array>;
}

export interface AugmentedMapOptions {
  readonly height: number;
  readonly width: number;
  /** Those of each observed map, in the order in which they were applied to the picture of `height` × `width`. */
  readonly mappings: readonly (readonly Mapping[])[];
  /** λ of the differences between neighbours. */
  readonly totalVariation: number;
  /** λ of the squares. */
  readonly energy: number;
  readonly iterations: number;
  /** Adam's; default .001. */
  readonly rate?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Augmented Grad-CAM: the map [1, height, width] that, under each mapping and made small, comes closest to the maps that were
 * observed, with penalties on its variation and size; `iterations` steps of Adam from 0. Maps are taken as they are (the paper
 * divides each by its largest value) and must not change until the promise settles.
 * @throws `ERR_INPUT_SHAPE` when maps, sizes and mappings do not fit together; `ERR_OPTION_INVALID` for numbers that aren't
 *   finite or are below 0, or items with different numbers of mappings; `ERR_OUT_OF_MEMORY`, `ERR_ABORTED`
 */
export async function augmentedMap(maps: Maps, options: AugmentedMapOptions): Promise<Maps> {
  const { height, width, mappings, totalVariation, energy, iterations, rate = 0.001, signal } = options;
  const [count, rows, columns] = maps.dims;
  const steps = mappings[0]?.length ?? 0;
  if (mappings.length !== count) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `${count} maps need the mappings of each, got those of ${mappings.length}`,
    );
  }
  if (steps === 0 || mappings.some(item => item.length !== steps)) {
    throw new OnnxCamError('ERR_OPTION_INVALID', 'each map needs as many mappings as the others, at least one');
  }
  const numbers = mappingNumbers(mappings.flat());
  const data = await withSignal(signal, cancellation =>
    addon<AugmentedMapKernel>().augmentedMap(
      steady(maps.data),
      count,
      rows,
      columns,
      height,
      width,
      numbers,
      steps,
      totalVariation,
      energy,
      iterations,
      rate,
      cancellation,
    ),
  );
  return { data, dims: [1, height, width] };
}
