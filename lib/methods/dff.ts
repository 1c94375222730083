import type { FeatureMaps } from '../kernels/features.ts';
import { factorize } from '../kernels/index.ts';
import { defineMethod, type ShownConcept } from './definition.ts';

/** Whether every channel of an image has the same value everywhere: then no concept lies anywhere in particular. */
function isFlat({ data, dims: [, channels] }: FeatureMaps, image: number, positions: number): boolean {
  for (let k = image * channels!; k < (image + 1) * channels!; k++)
    for (let i = 1; i < positions; i++) if (data[k * positions + i] !== data[k * positions]) return false;
  return true;
}

/**
 * Activations as sums of n non-negative concepts, A_ki ≈ Σ_t W_kt H_ti (NMF), each image by itself. `raw` holds all maps
 * H_t, the strongest concept first. The map is that of the concept that adds most to the target's score, Σ_k w_k W_kt ·
 * mean_i H_ti with the classifier's row w, where the scores are linear in the layer's means; elsewhere of the strongest one.
 * Before that pytorch-grad-cam subtracts each channel's minimum; the paper's layers end in a ReLU, which is applied here.
 */
export const dff = defineMethod({
  name: 'dff',
  aliases: ['deep-feature-factorization'],
  title: 'DFF',
  family: 'decomposition',
  paper: 'arXiv:1806.10206',
  needs: { activations: true, classifier: 'optional' },
  cost: '1F',
  params: { n: { type: 'integer', default: 5, min: 1, max: 100, description: 'concepts that are looked for' } },
  conventions: ['pytorch-grad-cam'],
  relu: false,
  stretchedOnce: true,
  scope: 'layer',
  compute: async ({ activations, classifier }, { convention, params, seed, signal }) => {
    const components = params.n as number;
    const shift = convention === 'pytorch-grad-cam';
    const { maps, concepts } = await factorize(activations, { components, shift, seed, signal });
    const channels = activations.dims[1]!;
    const [images, , height, width] = maps.dims as [number, number, number, number];
    const positions = height * width;
    for (let image = 0; image < images; image++)
      if (isFlat(activations, image, positions))
        for (let t = 0; t < components; t++) {
          // Else what is left of the random start would pass for a picture.
          const from = (image * components + t) * positions;
          const map = maps.data.subarray(from, from + positions);
          map.fill(map.reduce((sum, value) => sum + value, 0) / positions);
        }
    const count = classifier ? classifier.length / channels : images;
    const data = new Float32Array(count * positions);
    const shown = Array.from({ length: count }, (_, result): ShownConcept => {
      const image = images === 1 ? 0 : result;
      const mapOf = (t: number) => {
        const from = (image * components + t) * positions;
        return maps.data.subarray(from, from + positions);
      };
      const contributions = classifier
        ? Array.from({ length: components }, (_, t) => {
            const concept = concepts.subarray((image * components + t) * channels);
            let score = 0;
            for (let k = 0; k < channels; k++) score += classifier[result * channels + k]! * concept[k]!;
            return (score * mapOf(t).reduce((sum, value) => sum + value, 0)) / positions;
          })
        : null;
      const best = contributions ? contributions.indexOf(Math.max(...contributions)) : 0;
      data.set(mapOf(Math.max(best, 0)), result * positions);
      return { shown: Math.max(best, 0), contributions };
    });
    return { maps: { data, dims: [count, height, width] }, raw: maps, concepts: shown };
  },
});
