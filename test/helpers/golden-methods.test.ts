import { describe, expect, it } from 'vitest';
import { type GoldenArray, loadGoldenMethods } from './golden-methods.ts';

const golden = loadGoldenMethods();
const list = (value: GoldenArray | readonly GoldenArray[] | undefined): readonly GoldenArray[] =>
  value === undefined ? [] : 'data' in value ? [value] : value;

describe('golden values of the bundled model', () => {
  it('hold pixels, and the tensor made from them', () => {
    expect(golden.inputs.pair.tensor.dims).toEqual([2, 3, 224, 224]);
    expect(golden.inputs.wide.tensor.dims).toEqual([1, 3, 192, 256]);
    const { pixels, tensor } = golden.inputs.wide;
    expect(tensor.data[192 * 256 + 5]).toBe((pixels.data[5 * 3 + 1]! - 127) / 128);
  });

  it('name the class that the model sees first in the pictures', () => {
    const { logits, targets } = golden.inputs.pair;
    const best = [0, 1].map(n => {
      const row = [...logits.data.subarray(n * 1000, (n + 1) * 1000)];
      return row.indexOf(Math.max(...row));
    });
    expect(best).toEqual(targets);
  });

  it('are finite and of the shape of their layer', () => {
    const maps = new Set<string>();
    for (const entry of golden.cases) {
      for (const key of ['weights', 'scores', 'raw', 'map', 'fused'] as const)
        for (const { dims, data } of list(entry[key])) {
          expect(data.length).toBe(dims.reduce((product, dim) => product * dim, 1));
          expect(data.every(Number.isFinite)).toBe(true);
        }
      if (typeof entry.layer === 'string') {
        const { channels } = golden.layers[entry.layer];
        if (entry.weights) expect(entry.weights.dims.at(-1)).toBe(channels);
        maps.add(`${entry.library} ${entry.method}`);
      }
    }
    expect(maps.size).toBe(13 + 9);
  });

  it('have a first principal component that stands apart', () => {
    for (const { eigenGap } of Object.values(golden.inputs))
      for (const gap of Object.values(eigenGap)) expect(gap).toBeGreaterThan(1.05);
  });
});
