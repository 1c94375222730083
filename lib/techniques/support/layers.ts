import { resize } from '../../kernels/maps.ts';
import type { Maps } from '../../kernels/types.ts';

/** Every map divided by what becomes of its largest value, zeros where that is not positive; NaN of maps that hold one. */
export function perTargetMaximum(maps: Maps, of: (max: number) => number): Maps {
  const [count, height, width] = maps.dims;
  const area = height * width;
  const data = new Float32Array(maps.data.length);
  for (let n = 0; n < count; n++) {
    const own = maps.data.subarray(n * area, (n + 1) * area);
    const by = of(own.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY));
    if (!(by <= 0)) for (let i = 0; i < area; i++) data[n * area + i] = own[i]! / by;
  }
  return { ...maps, data };
}

/** Tensors or maps [P, h, w] at the size of others, bilinear and half-pixel; as they are where they have it. */
export async function sizedAs(maps: Maps, { dims: [, height, width] }: Maps): Promise<Maps> {
  if (maps.dims[1] === height && maps.dims[2] === width) return maps;
  return resize(maps, { height, width, interpolation: 'bilinear' });
}
