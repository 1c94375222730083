import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/engine/tensor.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { NETWORKS } from '../helpers/corner-networks.ts';
import { flat } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const [HEIGHT, WIDTH] = [24, 40];

/** Dark, with a bright patch of 4×4 pixels at a place of the grid of 6×10. */
function picture(place?: readonly [number, number]): Tensor<'float32'> {
  const data = new Float32Array(3 * HEIGHT * WIDTH);
  if (place)
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < 4; y++)
        for (let x = 0; x < 4; x++) data[(c * HEIGHT + place[0] * 4 + y) * WIDTH + place[1] * 4 + x] = 3 - c;
  return { type: 'float32', data, dims: [1, 3, HEIGHT, WIDTH] };
}

/** Where the layer's mean over channels differs most between two pictures, as a part of height and width. */
async function placeOfChange(cam: Explainer, layer: string, place: readonly [number, number]) {
  const options = { method: 'activation-mean', layer, params: { relu: false } };
  const [bright] = flat(await cam.explain(picture(place), options));
  const [dark] = flat(await cam.explain(picture(), options));
  const { width, height } = bright!.raw;
  const change = bright!.raw.data.map((value, i) => Math.abs(value - dark!.raw.data[i]!));
  const at = change.indexOf(Math.max(...change));
  return [(Math.floor(at / width) + 0.5) / height, ((at % width) + 0.5) / width] as const;
}

describe.each(Object.entries(NETWORKS))('%s', (_name, { bytes, chosen }) => {
  it('shows what lies where in the picture, and a layer that the scores read', async () => {
    const cam = await open(bytes());
    const layers = cam.layers().filter(layer => layer.chosen);
    expect(layers.map(({ operator, shape }) => `${operator} ${shape.slice(1).join('×')}`)).toEqual(chosen);
    for (const { name } of layers) {
      for (const place of [
        [0, 0],
        [0, 9],
        [5, 0],
        [5, 9],
        [1, 7],
      ] as const) {
        const [y, x] = await placeOfChange(cam, name, place);
        expect([
          name,
          place,
          Math.abs(y - (place[0] + 0.5) / 6) < 0.26,
          Math.abs(x - (place[1] + 0.5) / 10) < 0.26,
        ]).toEqual([name, place, true, true]);
      }
      const [product] = flat(
        await cam.explain(picture([1, 7]), { method: 'hirescam', layer: name, target: 0, params: { relu: false } }),
      );
      expect(product!.raw.data.filter(value => value !== 0).length).toBeGreaterThan(0);
    }
  });
});
