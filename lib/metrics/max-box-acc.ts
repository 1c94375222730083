import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../common/errors.ts';
import { toBytes } from '../result/otsu.ts';
import type { Box } from '../targets/detection.ts';
import { maxBoxAcc as overDataSet } from './data-set/max-box-acc.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import { bestIou } from './support/box-overlap.ts';
import { contourBoxes, largestContourBox } from './support/contours.ts';
import { NO_OBJECT } from './support/object.ts';

/**
 * The best overlap of the map's box with a true one at each threshold of the map's 8-bit values: the curve. The benchmark's value is
 * that of a data set, at the one threshold that is best for all pictures (data-set/max-box-acc.ts reads the curves); of one picture it
 * is whether any threshold is right.
 */
export const maxBoxAcc = defineMetric({
  name: 'max-box-acc',
  title: 'MaxBoxAcc',
  family: 'localisation',
  source: 'Choe et al. 2020, arXiv:2001.07437',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { truth: 'boxes' },
  cost: '0F',
  params: {
    interval: {
      type: 'number',
      default: 0.01,
      min: 0.001,
      max: 0.5,
      description: 'between thresholds, from 0 to below 1',
    },
    contours: {
      type: 'string',
      values: ['largest', 'all'],
      default: 'largest',
      description: 'the box of the largest contour, or that of any (MaxBoxAccV2)',
    },
    delta: {
      type: 'numbers',
      default: [0.5],
      min: 0,
      max: 1,
      description: 'overlap from which on a box is right; of several (MaxBoxAccV2: 0.3, 0.5, 0.7) the mean',
    },
  },
  measure: async ({ map, truth, params, signal }: MetricCase) => {
    if (!truth?.boxes.length) return NO_OBJECT;
    const interval = params.interval as number;
    const x = Array.from({ length: Math.ceil(1 / interval) }, (_, i) => i * interval);
    const y = await overlaps(map, x, params.contours === 'all', truth.boxes, signal);
    const found = overDataSet([y], params.delta as readonly number[])!;
    return { value: found.value, curve: { x, y }, details: { bestIou: Math.max(...y) } };
  },
});

/** The best IoU at each threshold; those that cut the 8-bit values alike share it. */
async function overlaps(
  { data, width, height }: Pick<MetricCase['map'], 'data' | 'width' | 'height'>,
  thresholds: readonly number[],
  all: boolean,
  truth: readonly Box[],
  signal?: AbortSignal,
): Promise<number[]> {
  const bytes = toBytes(data);
  const max = bytes.reduce((a, b) => Math.max(a, b), 0);
  const cells = new Uint8Array(bytes.length);
  const found: number[] = [];
  let last = -1;
  for (const threshold of thresholds) {
    const level = Math.floor(threshold * max);
    if (level === last) {
      found.push(found.at(-1)!);
      continue;
    }
    // Others get their turn: of noisy maps a level takes a millisecond.
    await setImmediate();
    throwIfAborted(signal);
    last = level;
    for (let i = 0; i < cells.length; i++) cells[i] = bytes[i]! > level ? 1 : 0;
    const mask = { cells, width, height };
    const boxes = all ? contourBoxes(mask) : [largestContourBox(mask)];
    found.push(boxes.reduce((best, box) => Math.max(best, bestIou(box, truth)), 0));
  }
  return found;
}
