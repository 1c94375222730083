import { describe, expect, it } from 'vitest';
import { SpareArrays } from '../../lib/image/spare-arrays.ts';

describe('spare arrays', () => {
  it('are given out once, to whoever wants that length', () => {
    const spare = new SpareArrays<Float32Array>();
    const [small, large] = [new Float32Array(3), new Float32Array(5)];
    spare.give(small);
    spare.give(large);
    expect(spare.take(4)).toBeUndefined();
    expect(spare.take(5)).toBe(large);
    expect(spare.take(5)).toBeUndefined();
    expect(spare.take(3)).toBe(small);
  });

  it('have one writer even if they are given twice', () => {
    const spare = new SpareArrays<Uint8Array>();
    const array = new Uint8Array(3);
    spare.give(array);
    spare.give(array);
    expect(spare.take(3)).toBe(array);
    expect(spare.take(3)).toBeUndefined();
  });

  it('do not pile up', () => {
    const spare = new SpareArrays<Uint8Array>();
    for (let i = 0; i < 100; i++) spare.give(new Uint8Array(3));
    let kept = 0;
    while (spare.take(3)) kept++;
    expect(kept).toBeLessThan(10);
  });
});
