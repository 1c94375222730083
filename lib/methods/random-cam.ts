import { Random } from '../common/random.ts';
import { defineMethod } from './definition.ts';

/** w_k uniform in [−1, 1), of a generator of our own in every convention: what a map looks like when the weights say nothing. The same for every image of a seed. */
export const randomCam = defineMethod({
  name: 'random-cam',
  title: 'Random-CAM',
  family: 'baseline',
  paper: 'pytorch-grad-cam',
  needs: { activations: true },
  cost: '1F',
  conventions: ['pytorch-grad-cam'],
  relu: true,
  scope: 'layer',
  compute: async ({ activations }, { seed }) => {
    const [count, channels] = activations.dims as [number, number];
    const random = new Random(seed);
    const row = Float32Array.from({ length: channels }, () => 2 * random.uniform() - 1);
    const weights = new Float32Array(count * channels);
    for (let n = 0; n < count; n++) weights.set(row, n * channels);
    return { weights };
  },
});
