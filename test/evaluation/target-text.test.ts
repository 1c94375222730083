import { expect, it } from 'vitest';
import { targetText } from '../../lib/explain/target-text.ts';
import { classIndex, negative, similarity } from '../../lib/targets/index.ts';

it('differs for different targets, also of one kind', () => {
  const texts = [
    undefined,
    'tabby',
    classIndex(281),
    classIndex(282),
    negative(classIndex(281)),
    similarity(Float32Array.of(1, 2)),
    similarity(Float32Array.of(1, 3)),
  ].map(targetText);
  expect(new Set(texts).size).toBe(texts.length);
  expect(targetText(undefined)).toBe(targetText('top1'));
  expect(targetText(classIndex(281))).toBe(targetText(classIndex(281)));
});
