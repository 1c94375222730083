import { seededRandom } from './random.js';

/** A normalised picture-like tensor [N,3,H,W]: smooth noise, the same on every run. */
export function pictureTensor(count, height = 224, width = 224) {
  const data = new Float32Array(count * 3 * height * width);
  const random = seededRandom();
  for (let i = 0; i < data.length; i++) data[i] = Math.sin(i / 97) + random() - 0.5;
  return { type: 'float32', data, dims: [count, 3, height, width] };
}
