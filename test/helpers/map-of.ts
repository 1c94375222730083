/** A map whose values are made of their places. */
export const mapOf = (of: (index: number) => number, width: number, height = width) => ({
  data: Float32Array.from({ length: width * height }, (_, i) => of(i)),
  width,
  height,
});
