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
  signal?.throwIfAborted();
  const across = blurLines(image, shape, { kernel, border, alongX: true });
  return blurLines(across, shape, { kernel, border, alongX: false });
}

function blurLines(
  image: Float32Array,
  { channels, width, height, channelsLast }: PictureShape,
  how: { readonly kernel: Float64Array; readonly border: 'zero' | 'reflect'; readonly alongX: boolean },
): Float32Array {
  const half = (how.kernel.length - 1) / 2;
  const size = how.alongX ? width : height;
  const place = (at: number) => (how.border === 'zero' ? at : size - 1 - Math.abs(size - 1 - Math.abs(at)));
  return image.map((_, i) => {
    const pixel = channelsLast ? Math.floor(i / channels) : i % (width * height);
    const own = how.alongX ? pixel % width : Math.floor(pixel / width);
    const stride = (how.alongX ? 1 : width) * (channelsLast ? channels : 1);
    let sum = 0;
    for (let k = -half; k <= half; k++) {
      const at = place(own + k);
      if (at >= 0 && at < size) sum += how.kernel[k + half]! * image[i + (at - own) * stride]!;
    }
    return sum;
  });
}
