/** What Relevance-CAM and LIFT-CAM sum up: no relevance is lost, and contributions add up to the score's difference. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { attribute } from '../helpers/attributions.ts';
import { loadGoldenGraph } from '../helpers/golden-graphs.ts';
import { load } from '../helpers/load.ts';
import { noise } from '../helpers/model-builder.ts';
import { uniform } from '../helpers/seeded-weights.ts';
import { vitModel } from '../helpers/transformer-models.ts';

/** Layers that every path goes through, at some places between the input (0) and the classifier (1). */
const layersOf = (model: Awaited<ReturnType<typeof load>>, places: readonly number[]): string[] => {
  const names = model.layers.filter(({ dominating }) => dominating).map(({ name }) => name);
  return places.map(place => names[Math.floor(place * names.length)]!);
};

function expectComplete(contributions: readonly number[], differences: readonly number[], tolerance: number): void {
  expect(contributions).toHaveLength(differences.length);
  for (const [n, sum] of contributions.entries()) expect(Math.abs(sum - differences[n]!)).toBeLessThan(tolerance);
}

describe('contributions add up to score(A) − score(0)', () => {
  it.each([
    ['resnet18-dynamo-18', [0.2, 0.9]],
    ['densenet121-legacy-11', [0.8]],
    ['vgg16-legacy-11', [0.9]],
    ['googlenet-dynamo-20', [0.2, 0.7]],
    // Gates: products of two tensors that depend on the layer; SiLU and HardSwish in pieces.
    ['efficientnet_b0-dynamo-18', [0.2, 0.7]],
    ['mobilenet_v3_large-legacy-11', [0.4]],
  ] as const)(
    'in %s',
    async (label, places) => {
      const golden = loadGoldenGraph(label);
      const model = await load(golden.model);
      const { data, dims } = golden.input;
      for (const layer of layersOf(model, places)) {
        const images = { type: 'float32' as const, data, dims };
        const found = await attribute(model, { images, targets: golden.targets, layer, passes: ['contributions'] });
        expectComplete(found.contributions, found.differences, 1e-4);
      }
    },
    60_000,
  );

  it('in the bundled network', async () => {
    const model = await load(readFileSync(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url)));
    const images = { type: 'float32' as const, data: uniform(7, 3 * 224 * 224, 2), dims: [1, 3, 224, 224] };
    for (const layer of layersOf(model, [0.1, 0.5, 0.9])) {
      const found = await attribute(model, { images, targets: [281], layer, passes: ['contributions'] });
      expect(Math.abs(found.differences[0]!)).toBeGreaterThan(0.01);
      expectComplete(found.contributions, found.differences, 1e-4);
    }
  });

  it.each([false, true])(
    'in a transformer (normalisation in pieces: %s), for every function of the logits',
    async pieces => {
      const model = await load(vitModel({ pieces, prefix: 0, pool: 'mean' }));
      const { data, dims } = noise([2, 3, 12, 20], 5);
      const images = { type: 'float32' as const, data: Float32Array.from(data), dims };
      for (const layer of ['0/norm1', '1/norm1', '0/out'])
        for (const view of ['logit', 'probability', 'logProbability', 'rest'] as const) {
          const found = await attribute(model, { images, targets: [1, 3], layer, passes: ['contributions'], view });
          expect(Math.max(...found.differences.map(Math.abs))).toBeGreaterThan(0.01);
          expectComplete(found.contributions, found.differences, 2e-5);
        }
    },
  );
});

describe('relevance', () => {
  it.each([
    ['resnet18-dynamo-18', [0.1, 0.6]],
    ['densenet121-legacy-11', [0.7]],
    ['vgg16-legacy-11', [0.9]],
    ['regnet_y_400mf-legacy-17', [0.1, 0.6]],
  ] as const)(
    'is conserved in %s',
    async (label, places) => {
      const golden = loadGoldenGraph(label);
      const model = await load(golden.model);
      const { data, dims } = golden.input;
      const classes = golden.logits[0]!.length;
      for (const layer of layersOf(model, places)) {
        const images = { type: 'float32' as const, data, dims };
        const { relevance } = await attribute(model, { images, targets: golden.targets, layer, passes: ['relevance'] });
        for (const { sum, size } of relevance) {
          // 1 for the class, −1/K for the K − 1 others; a few zeros of DenseNet's sums lose what little they have.
          expect(Math.abs(sum - 1 / classes) * classes).toBeLessThan(2e-3);
          expect(size).toBeGreaterThanOrEqual(Math.abs(sum) * 0.9999);
        }
      }
    },
    60_000,
  );
});
