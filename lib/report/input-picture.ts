import { isAbsolute, join } from 'node:path';
import type { Recent } from '../common/recent.ts';
import { openPicture } from '../image/decode.ts';
import type { Size } from '../image/geometry.ts';
import { tensorPicture } from '../image/tensor-picture.ts';
import { type NpyArray, readNpy } from '../io/npy.ts';
import type { SmallPicture } from './payload.ts';
import { openedPicture, smallPicture } from './small-picture.ts';

/** An input's picture, small, and its own size. */
export interface InputPicture {
  readonly size: Size;
  readonly picture: SmallPicture;
}

export interface InputPlace {
  /** As the manifest names it. */
  readonly input: string;
  /** Where the manifest lies: relative names are looked for there too. */
  readonly folder: string;
  /** Place in a tensor of several images. */
  readonly image: number;
  /** Of its map: tells where a tensor has its channels. */
  readonly map: readonly number[];
  /** Files of tensors that were read last: each holds the images of several photographs. */
  readonly tensors: Recent<string, Promise<NpyArray>>;
}

/** null where it is gone, or is no picture any more. */
export async function inputPicture(place: InputPlace): Promise<InputPicture | null> {
  const { input, folder } = place;
  for (const path of isAbsolute(input) ? [input] : [input, join(folder, input)]) {
    const found = await (input.toLowerCase().endsWith('.npy')
      ? ofTensor(path, place)
      : openPicture(path).then(openedPicture)
    ).catch(() => null);
    if (found) return found;
  }
  return null;
}

/** What overlays have under the map: the tensor stretched to 0..255, of volumes the middle plane. */
async function ofTensor(path: string, { image, map, tensors }: InputPlace): Promise<InputPicture | null> {
  const { data, dims } = await tensors.get(path, () => readNpy(path));
  // [C, H, W] or [N, C, H, W]; maps of volumes have one axis more.
  const own = dims.length > map.length + 1 ? dims.slice(1) : dims;
  if (own.length !== map.length + 1) return null;
  const count = own.reduce((product, length) => product * length, 1);
  const lengths = (axes: readonly number[]) => axes.join() === map.join();
  const layout = layoutOf(own, lengths);
  if (!layout) return null;
  const single = data.subarray(image * count, (image + 1) * count);
  if (single.length !== count) return null;
  const drawn = await tensorPicture({ data: single, dims: own, layout });
  return { size: { width: drawn.info.width, height: drawn.info.height }, picture: await smallPicture(drawn) };
}

function layoutOf(dims: readonly number[], isMap: (axes: readonly number[]) => boolean) {
  if (dims.length === 3) return isMap(dims.slice(1)) ? 'nchw' : isMap(dims.slice(0, 2)) ? 'nhwc' : undefined;
  const [first, second, ...plane] = dims as [number, number, ...number[]];
  if (isMap([second, ...plane])) return 'ncdhw';
  return isMap([first, ...plane]) ? 'ntchw' : undefined;
}
