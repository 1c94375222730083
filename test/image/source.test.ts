import { describe, expect, it } from 'vitest';
import { describeSource, detectSource } from '../../lib/image/source.ts';

describe('detectSource', () => {
  const tensor = { type: 'float32' as const, data: new Float32Array(12), dims: [1, 3, 2, 2] };

  it('tells the four kinds', () => {
    expect(detectSource('a/b.jpg')).toEqual({ kind: 'file', path: 'a/b.jpg' });
    expect(detectSource('C:\\pictures\\b.jpg')).toEqual({ kind: 'file', path: 'C:\\pictures\\b.jpg' });
    expect(detectSource(Uint8Array.of(1)).kind).toBe('encoded');
    const raw = { data: new Uint8Array(12), info: { width: 2, height: 2, channels: 3, size: 12, format: 'raw' } };
    expect(detectSource(raw)).toMatchObject({ kind: 'raw', width: 2, height: 2, channels: 3 });
    const detected = detectSource(tensor);
    expect(detected).toEqual({ kind: 'tensor', tensor });
    expect(detected.kind === 'tensor' && detected.tensor.data).toBe(tensor.data);
  });

  it('takes tensors of more than one picture, and of volumes', () => {
    for (const dims of [
      [3, 2, 2],
      [2, 1, 3, 2],
      [1, 1, 3, 2, 2],
    ]) {
      expect(detectSource({ ...tensor, dims }).kind).toBe('tensor');
    }
  });

  it.each([
    ['the wrong type', { ...tensor, type: 'float64' }],
    ['data of another class', { ...tensor, data: [...tensor.data] }],
    ['dims that do not fit', { ...tensor, dims: [1, 3, 2, 3] }],
    ['no dims', { ...tensor, dims: [] }],
    ['too few dims', { ...tensor, dims: [3, 4] }],
    ['a zero', { ...tensor, data: new Float32Array(0), dims: [0, 3, 2, 2] }],
    ['fractions', { ...tensor, dims: [1, 3, 1.6, 2.5] }],
    ['a dims that is no array', { ...tensor, dims: 12 }],
  ])('refuses a tensor with %s', (_, input) => {
    expect(() => detectSource(input)).toThrow(expect.objectContaining({ code: 'ERR_INPUT_SHAPE' }));
  });

  it('describes', () => {
    expect(describeSource(detectSource('cat.jpg'))).toBe('cat.jpg');
    expect(describeSource(detectSource(tensor))).toBe('<tensor 1x3x2x2>');
  });
});
