import { describe, expect, it } from 'vitest';
import { parseMetricParam, resolveMetricParams } from '../../lib/metrics/params.ts';
import { findMetric } from '../../lib/metrics/registry.ts';
import { insideOf, parseThreshold, type Threshold } from '../../lib/result/threshold.ts';
import { expectError } from '../helpers/expect-error.ts';

describe('thresholds', () => {
  it('as the command line writes them', () => {
    expect(['0.3', 'max:0.15', 'q:0.9', 'otsu', 'sd:1', 'sd:-0.5', ' 1e-2 '].map(parseThreshold)).toEqual([
      { value: 0.3 },
      { ofMax: 0.15 },
      { quantile: 0.9 },
      'otsu',
      { meanStd: 1 },
      { meanStd: -0.5 },
      { value: 0.01 },
    ]);
    for (const text of ['', 'max:', 'max', 'of:1', 'q:high', 'sd: ', 'Infinity'])
      expect(parseThreshold(text)).toBeUndefined();
  });

  it('of a metric, as text and as objects', async () => {
    const iou = findMetric('iou');
    const resolved = (given: unknown) => resolveMetricParams(iou, { threshold: given }, 'paper').threshold;
    expect(resolved(undefined)).toEqual({ ofMax: 0.15 });
    expect(resolved(parseMetricParam(iou, 'threshold', 'q:0.9'))).toEqual({ quantile: 0.9 });
    expect(resolved(parseMetricParam(iou, 'threshold', '0.3'))).toEqual({ value: 0.3 });
    await expectError(() => resolved(parseMetricParam(iou, 'threshold', 'maximum')), 'ERR_OPTION_INVALID', '"maximum"');
    await expectError(() => resolved(parseMetricParam(iou, 'threshold', 'max:7')), 'ERR_OPTION_INVALID', 'from 0 to 1');
  });

  it('one number stands for a list of it', () => {
    const metric = findMetric('max-box-acc');
    const resolved = (delta: unknown) => resolveMetricParams(metric, { delta }, 'paper').delta;
    expect([resolved(undefined), resolved(0.7), resolved([0.3, 0.5])]).toEqual([[0.5], [0.7], [0.3, 0.5]]);
  });

  it('let pixels in above them, or from them on', async () => {
    const map = Float32Array.of(0.3, 0.7, 1, 0.1);
    const inside = async (threshold: Threshold, border: 'above' | 'from') => [
      ...(await insideOf(map, threshold, border)),
    ];
    // In float32, as the map: 0.7 is the pixel's own value.
    expect(await inside({ value: 0.7 }, 'from')).toEqual([0, 1, 1, 0]);
    expect(await inside({ ofMax: 0.7 }, 'above')).toEqual([0, 0, 1, 0]);
    expect(await inside({ quantile: 1 }, 'from')).toEqual([0, 0, 1, 0]);
    expect(await inside({ quantile: 0.5 }, 'above')).toEqual([0, 1, 1, 0]);
    expect(await inside({ meanStd: 0 }, 'above')).toEqual([0, 1, 1, 0]);
    expect(await inside('otsu', 'above')).toEqual([0, 1, 1, 0]);
  });
});
