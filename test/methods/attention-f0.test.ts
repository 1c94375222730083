/** The formulas of docs/methods.md#attention on matrices small enough to work out by hand. */
import { describe, it } from 'vitest';
import type { LayerTensors } from '../../lib/methods/definition.ts';
import { resolveParams } from '../../lib/methods/params.ts';
import { findMethod } from '../../lib/methods/registry.ts';
import { expectClose } from '../helpers/expect-close.ts';

const B1 = [0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.1, 0.2, 0.7];
const B2 = [0.5, 0.1, 0.4, 0.3, 0.4, 0.3, 0.2, 0.2, 0.6];
const G1 = [0.2, -0.1, 0.4, 0, 0.1, 0.2, 0.3, 0, -0.2];
const tokens = { grid: [1, 2], prefix: 1 } as const;

const layer = (attention: readonly number[], gradients?: readonly number[]): LayerTensors => {
  const dims = [1, attention.length / 9, 3, 3];
  return {
    activations: { data: Float32Array.from(attention), dims },
    gradients: gradients && { data: Float32Array.from(gradients), dims },
    tokens,
  };
};

async function mapOf(method: string, layers: readonly LayerTensors[], params: Record<string, unknown> = {}) {
  const definition = findMethod(method);
  const context = {
    params: resolveParams(definition, params, 'paper'),
    convention: 'paper',
    seed: 0,
    count: 1,
    size: { width: 2, height: 1 },
  } as const;
  if (definition.scope === 'layers') return (await definition.compute(layers, context)).maps.data;
  if (definition.scope === 'graph') throw new TypeError(`${method} looks at no attention`);
  const result = await definition.compute(layers.at(-1)!, context);
  return 'maps' in result ? result.maps.data : [];
}

describe('attention rollout', () => {
  it('multiplies the blocks', async () => {
    expectClose(await mapOf('attention-rollout', [layer(B1), layer(B2)]), [0.17, 0.215], 1e-6);
  });

  it('fuses heads by mean, maximum or minimum', async () => {
    const both = [...B1, ...B2];
    const rowOf = (row: readonly number[]) => [1, 2].map(i => row[i]! / (1 + row[0]! + row[1]! + row[2]!));
    for (const [fuse, row] of [
      ['mean', [0.55, 0.2, 0.25]],
      ['max', [0.6, 0.3, 0.4]],
      ['min', [0.5, 0.1, 0.1]],
    ] as const)
      expectClose(await mapOf('attention-rollout', [layer(both)], { fuse }), rowOf(row), 1e-6);
  });

  it('discards the lowest entries except the first', async () => {
    // Of B1 the first row stays, [.6, .3, 0]; with all discarded [.6, 0, 0].
    expectClose(await mapOf('attention-rollout', [layer(B1)], { discard: 0.5 }), [0.3 / 1.9, 0], 1e-6);
    expectClose(await mapOf('attention-rollout', [layer(B1)], { discard: 1 }), [0, 0], 1e-6);
    // The first is the smallest here, and stays; of the two that are equal the first goes.
    const first = [0.1, 0.2, 0.2, ...B1.slice(3)];
    expectClose(await mapOf('attention-rollout', [layer(first)], { discard: 0.34 }), [0, 0.2 / 1.3], 1e-6);
  });
});

it('gradient rollout weighs attention with its own gradients', async () => {
  expectClose(await mapOf('gradient-rollout', [layer(B1, G1)]), [0, 0.034483], 1e-6);
});

it('generic attention adds up without normalising', async () => {
  expectClose(await mapOf('generic-attention', [layer(B1, G1)]), [0, 0.04], 1e-6);
  // (I + Ā2)(I + Ā1), worked out: Ā1 = [.12,0,.04; 0,.05,.06; .03,0,0]; with ∇2 = 1, Ā2 = B2.
  const ones = new Array<number>(9).fill(1);
  const first = 0.1 * 1.05;
  const second = 1.5 * 0.04 + 0.1 * 0.06 + 0.4;
  expectClose(await mapOf('generic-attention', [layer(B1, G1), layer(B2, ones)]), [first, second], 1e-6);
});

it('attention Grad-CAM weighs heads by the mean gradient of the class token row', async () => {
  const heads = layer([...B1, ...B2], [...G1, ...B1]);
  // Weights: mean(−.1, .4) = .15 and mean(.3, .1) = .2.
  const expected = [(0.15 * 0.3 + 0.2 * 0.1) / 2, (0.15 * 0.1 + 0.2 * 0.4) / 2];
  expectClose(await mapOf('attention-grad-cam', [heads]), expected, 1e-6);
});

it('LeGrad averages the positive gradients over heads and queries', async () => {
  const rows = [
    0.1, 0.2, -0.3, 0.4, 0, 0, 0.1, 0.2, -0.1, 0.3, 0.2, -0.2, 0.1, 0.1, 0.1, 0, 0, 0.5, 0.2, -0.4, 0.1, 0.3, 0.1, 0,
    0.2,
  ];
  const dims = [1, 1, 5, 5];
  const block: LayerTensors = {
    activations: { data: new Float32Array(25), dims },
    gradients: { data: Float32Array.from(rows), dims },
    tokens: { grid: [2, 2], prefix: 1 },
  };
  expectClose(await mapOf('legrad', [block]), [0.12, 0.18, 0.14, 0.12], 1e-6);
  expectClose(await mapOf('legrad', [block, block], { startLayer: 1 }), [0.12, 0.18, 0.14, 0.12], 1e-6);
});
