import { describe, expect, it } from 'vitest';
import { distrust } from '../../lib/scoring/int8-check.ts';

const rows = (...scores: number[]) => scores.map(score => [score]);
const FLOAT = rows(10, 8, 6, 4, 2, 0, 5);

describe('int8 scores', () => {
  it('are trusted where they follow the float ones', () => {
    expect(distrust(FLOAT, rows(10.2, 8.1, 6.3, 4.2, 2.1, 0.3, 5.1))).toBeUndefined();
  });

  it('are not where the clean score moves by more than a quarter of what changes do', () => {
    expect(distrust(FLOAT, rows(12.6, 8, 6, 4, 2, 0, 5))).toMatch(/by 2\.6, where changes move it by up to 10/);
    expect(distrust(FLOAT, rows(12.4, 8, 6, 4, 2, 0, 5))).toBeUndefined();
  });

  it('are not where they go other ways', () => {
    expect(distrust(FLOAT, rows(10, 2, 6, 8, 4, 0, 5))).toMatch(/7 pictures correlate .* 0\.\d+ only/);
  });

  it('of random masks must be nearer', () => {
    const near = rows(10, 9.4, 4.4, 5.2, 2.8, 0.3, 3);
    expect(distrust(FLOAT, near)).toBeUndefined();
    expect(distrust(FLOAT, near, true)).toMatch(/correlate/);
  });

  it('of few items are judged by the clean score alone', () => {
    expect(distrust(FLOAT.slice(0, 3), rows(10, 6, 8))).toBeUndefined();
  });

  it('are trusted where changes do nothing, and int8 moves nothing', () => {
    expect(distrust(rows(3, 3, 3), rows(3, 3, 3))).toBeUndefined();
    expect(distrust(rows(3, 3, 3), rows(3.1, 3, 3))).toBeDefined();
  });

  it('are not where they are no numbers', () => {
    expect(distrust(FLOAT, rows(Number.NaN, 1, 2, 3, 4, 5, 6))).toBeDefined();
  });
});
