import type { TensorPlane } from '../../kernels/tensor-picture.ts';

/** Twin of native/kernels/picture/tensor_picture.cpp. */
export function planePicture(tensor: Float32Array, plane: TensorPlane): Uint8Array {
  const { height, width, start, row, column, channel } = plane;
  const finite = tensor.filter(Number.isFinite);
  const min = finite.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const max = finite.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const scale = max > min ? 255 / (max - min) : 0;
  // Clamped, so that infinities are cut and NaN becomes 0.
  return new Uint8Array(
    Uint8ClampedArray.from({ length: 3 * height * width }, (_, i) => {
      const [y, x, c] = [Math.floor(i / (3 * width)), Math.floor(i / 3) % width, i % 3];
      return Math.floor((tensor[start + y * row + x * column + c * channel]! - min) * scale + 0.5);
    }),
  );
}
