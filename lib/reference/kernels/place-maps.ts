import type { AxisPlacement, Maps } from '../../kernels/types.ts';

/** Plain twin of native/kernels/map/place_maps.cpp. */
export function placeMaps(maps: Maps, x: AxisPlacement, y: AxisPlacement): Maps {
  const [count, height, width] = maps.dims;
  const data = new Float32Array(count * y.length * x.length);
  const tap = (i: number, { scale, offset }: AxisPlacement, size: number) => {
    const at = Math.min(size - 1, Math.max(0, (i + 0.5) * scale + offset - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(size - 1, low + 1), weight: Math.fround(at - low) };
  };
  for (let n = 0; n < count; n++) {
    for (let j = y.begin; j < y.end; j++) {
      const row = tap(j, y, height);
      for (let i = x.begin; i < x.end; i++) {
        const column = tap(i, x, width);
        const at = (r: number, c: number) => maps.data[(n * height + r) * width + c]!;
        const across = (r: number) => (1 - column.weight) * at(r, column.low) + column.weight * at(r, column.high);
        data[(n * y.length + j) * x.length + i] = (1 - row.weight) * across(row.low) + row.weight * across(row.high);
      }
    }
  }
  return { data, dims: [count, y.length, x.length] };
}
