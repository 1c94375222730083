import { describe, expect, it } from 'vitest';
import { fromHalf, toHalf } from '../../lib/report/half.ts';
import { smallCurve } from '../../lib/report/small-curve.ts';

const valuesOf = (text: string): number[] => [
  ...fromHalf(new Uint16Array(new Uint8Array(Buffer.from(text, 'base64')).buffer)),
];

describe('half precision', () => {
  it('holds what is negative, small, large and beyond', () => {
    const values = [0, 1, -1, -0.5, 2, 100, -3.25, 2 ** -14, -(2 ** -20), 2 ** -24, 65504, -65504];
    expect([...fromHalf(toHalf(values))]).toEqual(values);
    expect([...fromHalf(toHalf([1e6, -1e6]))]).toEqual([65504, -65504]);
  });

  it('rounds to the nearest, ties to even', () => {
    expect([...fromHalf(toHalf([2049, 2051, -2049, 2050.5]))]).toEqual([2048, 2052, -2048, 2050]);
  });
});

describe('a small curve', () => {
  it('keeps a short one as it is, percentages and negative scores too', () => {
    const { x, y } = smallCurve({ x: [10, 20, 30, 90], y: [0.5, -0.25, 0, 1.5] });
    expect(valuesOf(x)).toEqual([10, 20, 30, 90]);
    expect(valuesOf(y)).toEqual([0.5, -0.25, 0, 1.5]);
  });

  it('picks points of a long one evenly, both ends among them', () => {
    const n = 225;
    const x = Array.from({ length: n }, (_, i) => i / (n - 1));
    const small = smallCurve({ x, y: x.map(share => 1 - share) });
    const [xs, ys] = [valuesOf(small.x), valuesOf(small.y)];
    expect(xs).toHaveLength(33);
    expect([xs[0], xs.at(-1), ys[0], ys.at(-1)]).toEqual([0, 1, 1, 0]);
    for (const [i, value] of xs.entries()) expect(value).toBeCloseTo(i / 32, 3);
  });

  it('has one point where there is one', () => {
    expect(valuesOf(smallCurve({ x: [0], y: [0.5] }).y)).toEqual([0.5]);
  });
});
