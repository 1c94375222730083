/** The same image everywhere. */
export const image = {
  type: 'float32',
  data: Float32Array.from({ length: 768 }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011)),
  dims: [1, 3, 16, 16],
};
