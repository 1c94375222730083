import type { InputSize } from '../image/geometry.ts';
import { combineMaps, positiveMaps } from '../kernels/map-values.ts';
import { resize } from '../kernels/maps.ts';
import type { Maps } from '../kernels/types.ts';
import type { ChosenMethod } from '../methods/choose.ts';
import { largestSize, sized } from '../methods/conventions/convention.ts';

type Method = Pick<ChosenMethod, 'definition' | 'params' | 'convention'>;

/** Maps of methods whose sources enlarge them before they are stretched; all others as they are. */
export async function enlargedMaps(
  raw: readonly Maps[],
  size: InputSize,
  { definition, params, convention }: Method,
): Promise<readonly Maps[]> {
  const interpolation = convention === 'paper' ? definition.enlarged?.(params) : undefined;
  if (!interpolation) return raw;
  return Promise.all(
    raw.map(async maps => {
      const positive = params.relu === true ? await positiveMaps(maps) : maps;
      return interpolation === 'bilinear' ? sized(positive, size) : resize(positive, { ...size, interpolation });
    }),
  );
}

/** The values [1, h, w] that a map is stretched from: after the ReLU, of several layers the mean at the largest one's size. */
export async function unstretchedMap(raw: readonly Maps[], size: InputSize, method: Method): Promise<Maps> {
  const enlarged = await enlargedMaps(raw, size, method);
  const values = method.params.relu === true ? await Promise.all(enlarged.map(maps => positiveMaps(maps))) : enlarged;
  if (values.length === 1) return values[0]!;
  const largest = largestSize(values);
  return combineMaps(await Promise.all(values.map(maps => sized(maps, largest))), 'mean');
}

/** The values of map `n` of a stack, as a view. */
export function nth({ data, dims: [, height, width] }: Maps, n: number): Float32Array {
  return data.subarray(n * height * width, (n + 1) * height * width);
}

/** Map `n` of a stack by itself, as a view. */
export function nthMap(maps: Maps, n: number): Maps {
  const [, height, width] = maps.dims;
  return { ...maps, data: nth(maps, n), dims: [1, height, width] };
}
