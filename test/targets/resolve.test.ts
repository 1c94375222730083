import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as targets from '../../lib/targets/index.ts';
import { Labels } from '../../lib/targets/labels.ts';
import { parseTarget, parseTargetText } from '../../lib/targets/parse.ts';
import { resolveTarget } from '../../lib/targets/resolve.ts';
import { ScoreRow, softmax } from '../../lib/targets/score.ts';

const labels = new Labels(['tench, Tinca tinca', 'tabby, tabby cat', 'crane', 'Crane', 'tiger cat']);
const head = { classes: 5, labels };
const row = new ScoreRow(Float32Array.of(0.5, 3, -1, 2, 2), 'softmax');
const scoreOf = (target: Parameters<typeof parseTarget>[0]) =>
  resolveTarget(parseTarget(target), head).map(one => row.score(one));
const code = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'no error';
};

describe('targets', () => {
  it('reads indices, ranks and labels', () => {
    expect(scoreOf(2)).toEqual([-1]);
    expect(scoreOf('top1')).toEqual([3]);
    expect(scoreOf('TOP3')).toEqual([3, 2, 2]);
    expect(scoreOf('Tabby Cat')).toEqual([3]);
    expect(scoreOf('tabby, tabby cat')).toEqual([3]);
    expect(row.classOf(-2)).toBe(3);
  });

  it('ranks as a stable sort does, values that are none last', () => {
    const logits = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.NaN)), { maxLength: 30 });
    const order = (value: number) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value);
    fc.assert(
      fc.property(logits, fc.integer({ min: 0, max: 9 }), (values, count) => {
        const sorted = values.map((_, i) => i).sort((a, b) => order(values[b]!) - order(values[a]!) || a - b);
        expect(new ScoreRow(Float32Array.from(values), 'softmax').top(count)).toEqual(sorted.slice(0, count));
      }),
    );
  });

  it('has the probabilities of softmax, also of large logits', () => {
    const logits = fc.array(fc.float({ min: -300, max: 300, noNaN: true }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(logits, values => {
        const one = new ScoreRow(Float32Array.from(values), 'softmax');
        const expected = softmax(Float32Array.from(values));
        for (const [i, probability] of expected.entries()) {
          expect(one.probability(i)).toBeCloseTo(probability, 12);
          expect(one.view('logProbability', i)).toBeCloseTo(values[i]! - values[0]! + one.view('logProbability', 0), 9);
        }
      }),
    );
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(new ScoreRow(Float32Array.of(1, value), 'softmax').probability(0)).toBeNaN();
  });

  it('refuses what the model does not have', () => {
    expect(code(() => scoreOf(5))).toBe('ERR_TARGET_RANGE');
    expect(code(() => scoreOf(-1))).toBe('ERR_TARGET_RANGE');
    expect(code(() => scoreOf('top6'))).toBe('ERR_TARGET_RANGE');
    expect(code(() => scoreOf('top0'))).toBe('ERR_OPTION_INVALID');
    expect(code(() => scoreOf(1.5))).toBe('ERR_OPTION_INVALID');
    expect(code(() => resolveTarget(targets.binary(1), head))).toBe('ERR_TARGET_RANGE');
    expect(code(() => resolveTarget(targets.label('tabby'), { classes: 5 }))).toBe('ERR_TARGET_UNKNOWN');
  });

  it('names the classes that share a label and the nearest ones of an unknown label', () => {
    expect(() => scoreOf('crane')).toThrow(/2 \(crane\), 3 \(Crane\)/);
    expect(() => scoreOf('tabbi')).toThrow(/did you mean tabby/);
  });

  it('combines scores linearly', () => {
    expect(scoreOf(targets.contrast(1, 0, 2))).toEqual([2]);
    expect(scoreOf(targets.negative(1))).toEqual([-3]);
    expect(
      scoreOf(
        targets.weighted([
          [targets.contrast(1, 0), 2],
          ['tiger cat', 0.5],
        ]),
      ),
    ).toEqual([6]);
  });

  it('reads probabilities in double precision', () => {
    const p = Math.exp(3) / [0.5, 3, -1, 2, 2].reduce((sum, z) => sum + Math.exp(z), 0);
    expect(scoreOf(targets.probability(1))[0]).toBeCloseTo(p, 14);
    expect(scoreOf(targets.logProbability('top1'))[0]).toBeCloseTo(Math.log(p), 14);
    expect(scoreOf(targets.rest(1))[0]).toBeCloseTo(3 + Math.log(p), 14);
    const sigmoid = new ScoreRow(Float32Array.of(-2), 'sigmoid');
    const binary = resolveTarget(targets.probability(targets.binary(1)), { classes: 1 })[0]!;
    expect(sigmoid.score(binary)).toBeCloseTo(1 / (1 + Math.exp(2)), 14);
    expect(sigmoid.score(resolveTarget(targets.binary(0), { classes: 1 })[0]!)).toBe(2);
  });

  it('parses the command line', () => {
    expect(parseTargetText('281')).toEqual(targets.classIndex(281));
    expect(parseTargetText('tabby')).toEqual(targets.label('tabby'));
    expect(parseTargetText('contrast:281,282')).toEqual(targets.contrast(281, 282));
    expect(parseTargetText('negative:281')).toEqual(targets.negative(281));
    expect(parseTargetText('probability:top1')).toEqual(targets.probability('top1'));
    expect(parseTargetText('rest:tiger cat')).toEqual(targets.rest('tiger cat'));
    expect(parseTargetText('output=aux:5')).toEqual(targets.output('aux', 5));
    expect(code(() => parseTargetText('contrast:281'))).toBe('ERR_OPTION_INVALID');
  });
});
