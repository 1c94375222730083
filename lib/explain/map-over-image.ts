import { inSlices } from '../common/slices.ts';
import { type MapSize, placementOf, shownSize } from '../image/map-size.ts';
import { restoreMaps } from '../image/restore-map.ts';
import { mapRanges } from '../kernels/map-values.ts';
import type { Maps } from '../kernels/types.ts';
import type { MethodMaps } from '../maps/apply-method.ts';
import { sized } from '../methods/conventions/convention.ts';
import { inputSize, type ReadyImage } from '../network/images.ts';
import type { MapValues } from '../result/explanation.ts';
import type { HeatMap } from '../result/explanation-fields.ts';

/** Where an image lies in the network's input. */
type Place = Pick<ReadyImage, 'placement' | 'depth'>;

/** A map [1, h, w] of the input over the original picture, or as `mapSize` says; over all of a volume. */
export async function mapOverImage(map: Maps, image: Place, mapSize: MapSize): Promise<HeatMap> {
  const [, rows, columns] = map.dims;
  const { depth } = image;
  if (depth === undefined) {
    if (mapSize === 'layer') return { data: map.data.slice(), width: columns, height: rows };
    const placement = placementOf(image.placement, shownSize(mapSize, image.placement.picture));
    const { data, dims } = await (mapSize === 'input' ? sized(map, inputSize(image)) : restoreMaps(map, placement));
    return { data, width: dims[2]!, height: dims[1]! };
  }
  const { width, height } = image.placement.input;
  const { data } = await sized(map, inputSize(image));
  return { data, dims: [depth, height, width], width, height };
}

/** What a map was stretched from, for colours that mean the same in several pictures. Holds nothing of the image but its place. */
export function mapValues(
  { maps, unstretched }: MethodMaps,
  index: number,
  { placement, depth }: Place,
  mapSize: MapSize,
): MapValues {
  const [, height, width] = maps.dims;
  const end = depth === undefined ? { width, height } : { width, height: height / maps.depth!, depth: maps.depth! };
  return {
    range: async () => {
      const [range] = await mapRanges(await unstretched(index));
      return range!.finite ? [range!.min, range!.max] : null;
    },
    within: async ([low, high]) => {
      const values = await unstretched(index);
      // Shifted before it is placed: what the picture has outside the input is 0 in every map.
      const shifted = { ...values, data: values.data.map(value => (value - low) / (high - low)) };
      const map = await mapOverImage(await sized(shifted, end), { placement, depth }, mapSize);
      const { data } = map;
      await inSlices(data.length, (from, to) => {
        for (let i = from; i < to; i++) data[i] = Math.min(1, Math.max(0, data[i]!));
      });
      return map;
    },
  };
}
