import { inSlices } from '../../common/slices.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { InputChange, Size } from '../../image/geometry.ts';
import type { ImageLayout } from '../../image/layout.ts';
import { resize } from '../../kernels/maps.ts';
import type { Maps, ResizeOptions } from '../../kernels/types.ts';

/** An input's values as planes [P, H, W]: of pictures one a channel, of volumes and clips one for each of a slice or frame. */
export function planesOf({ data, dims }: Tensor<'float32'>, layout: ImageLayout): Maps {
  if (layout !== 'nhwc') {
    const [height, width] = dims.slice(-2) as [number, number];
    return { data, dims: [data.length / (height * width), height, width] };
  }
  const [height, width, channels] = dims.slice(-3) as [number, number, number];
  const area = height * width;
  const planes = new Float32Array(data.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0, from = c; i < area; i++, from += channels) planes[c * area + i] = data[from]!;
  return { data: planes, dims: [channels, height, width] };
}

/** Planes as an input like another one, but for its height and width. */
export function fromPlanes({ data, dims }: Maps, like: Tensor<'float32'>, layout: ImageLayout): Tensor<'float32'> {
  const [channels, height, width] = dims;
  if (layout !== 'nhwc') return { type: 'float32', data, dims: [...like.dims.slice(0, -2), height, width] };
  const area = height * width;
  const values = new Float32Array(data.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0, to = c; i < area; i++, to += channels) values[to] = data[c * area + i]!;
  return { type: 'float32', data: values, dims: [...like.dims.slice(0, -3), height, width, channels] };
}

/** An input enlarged or reduced, not antialiased. */
export async function resizedInput(
  tensor: Tensor<'float32'>,
  layout: ImageLayout,
  options: ResizeOptions,
): Promise<Tensor<'float32'>> {
  return fromPlanes(await resize(planesOf(tensor, layout), options), tensor, layout);
}

/** An input's mirror image, left and right exchanged. */
export async function mirroredInput(tensor: Tensor<'float32'>, layout: ImageLayout): Promise<Tensor<'float32'>> {
  return fromPlanes(await mirrored(planesOf(tensor, layout)), tensor, layout);
}

/** Left and right exchanged. */
export async function mirrored(maps: Maps): Promise<Maps> {
  const [, , width] = maps.dims;
  const data = maps.data.slice();
  await inSlices(data.length, (begin, end) => {
    // The rows that begin in this slice.
    for (let row = Math.ceil(begin / width) * width; row < end; row += width) data.subarray(row, row + width).reverse();
  });
  return { ...maps, data };
}

/** How an input of some size lies in a window, at (x, y), of itself at another size; by default in all of that. */
export function windowChange(from: Size, to: Size, window = { ...to, x: 0, y: 0 }): InputChange {
  return {
    x: { scale: to.width / from.width, offset: -window.x },
    y: { scale: to.height / from.height, offset: -window.y },
    size: { width: window.width, height: window.height },
  };
}

/** How an input lies in the mirror image of one that it lies in so. */
export function mirroredChange({ x, y, size }: InputChange): InputChange {
  return { x: { scale: -x.scale, offset: size.width - x.offset }, y, size };
}
