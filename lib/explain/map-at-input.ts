import { invalid, isRecord } from '../common/checks.ts';
import { OnnxCamError } from '../common/errors.ts';
import { isFloat32Array } from '../common/kinds.ts';
import { shown } from '../common/shown.ts';
import type { Placement, Size } from '../image/geometry.ts';
import { mapOverInput } from '../image/map-over-input.ts';
import { shownSize } from '../image/map-size.ts';
import { normalize } from '../kernels/index.ts';
import type { Maps } from '../kernels/types.ts';
import { sized } from '../methods/conventions/convention.ts';
import { inputSize, type ReadyImage } from '../network/images.ts';
import type { Explanation } from '../result/explanation.ts';
import type { HeatMap } from '../result/explanation-fields.ts';
import { isExplanation, mapAtInputOf } from '../result/is-explanation.ts';

/** A map from anywhere: row-major values, or an explanation. */
export type MapInput = Explanation | Pick<HeatMap, 'data' | 'width' | 'height'>;

/** A map at the input's size in [0, 1]. */
export interface MapAtInput {
  readonly data: Float32Array;
  readonly warnings: readonly string[];
}

/** @throws `ERR_OPTION_INVALID` */
export function checkMap(map: unknown): asserts map is MapInput {
  if (isExplanation(map)) return;
  const { data, width, height } = isRecord(map) ? map : {};
  if (!isFloat32Array(data) || !isSide(width) || !isSide(height) || data.length !== width * height)
    throw invalid(
      `a map is { data: Float32Array, width, height } with width · height values, or an Explanation, not ${shown(map)}`,
    );
}

const isSide = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;

/**
 * The map at the size of the model's input. It may have that size, the picture's (it goes the way of the picture: squeezed,
 * cut, or put into a letterbox; reduced too, as `mapSize: { max }` gives it), or a layer's (enlarged, bilinear and half-pixel).
 * Values outside [0, 1] are stretched.
 * @param layers sizes of the model's layers
 * @throws `ERR_INPUT_SHAPE` for any other size
 */
export async function mapAtInput(map: MapInput, image: ReadyImage, layers: readonly Size[]): Promise<MapAtInput> {
  if (isExplanation(map)) {
    const { data } = await mapAtInputOf(map);
    return { data, warnings: [] };
  }
  const input = inputSize(image);
  const stretched = await inRange({ data: map.data, dims: [1, map.height, map.width] });
  const data = await atSize(stretched.maps, map, image.placement, { input, layers });
  return { data, warnings: stretched.warnings };
}

async function atSize(
  maps: Maps,
  { width, height }: Size,
  placement: Placement,
  { input, layers }: { readonly input: Size; readonly layers: readonly Size[] },
): Promise<Float32Array> {
  const { picture } = placement;
  const isOf = (size: Size) => size.width === width && size.height === height;
  if (isOf(input)) return maps.data;
  if (isOf(picture) || isReduced({ width, height }, picture, input)) return mapOverInput(maps, placement);
  if (layers.some(isOf)) return (await sized(maps, input)).data;
  throw new OnnxCamError(
    'ERR_INPUT_SHAPE',
    `a map of ${width} × ${height} fits neither the model's input (${input.width} × ${input.height}), nor the picture ` +
      `(${picture.width} × ${picture.height}), nor a layer of the model; resize it to one of them`,
  );
}

/** The picture's with a shorter longer side, as `mapSize: { max }` makes it; what is smaller than the input lost too much. */
function isReduced(size: Size, picture: Size, input: Size): boolean {
  if (size.width < input.width || size.height < input.height) return false;
  const { width, height } = shownSize({ max: Math.max(size.width, size.height) }, picture);
  return width === size.width && height === size.height;
}

/** Values outside [0, 1] are stretched to it; values that are no numbers are left for the metrics to refuse. */
async function inRange(maps: Maps): Promise<{ readonly maps: Maps; readonly warnings: readonly string[] }> {
  const inside = maps.data.every(value => value >= 0 && value <= 1);
  const finite = inside || maps.data.every(value => Number.isFinite(value));
  if (inside || !finite) return { maps, warnings: [] };
  const stretched = await normalize(maps, { kind: 'range' });
  return { maps: stretched, warnings: ['the map had values outside [0, 1] and was stretched to it'] };
}
