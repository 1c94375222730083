import { BOX_THRESHOLD, findBoxes } from '../result/boxes.ts';
import type { Threshold } from '../result/threshold.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import { bestIou } from './support/box-overlap.ts';
import { NO_OBJECT } from './support/object.ts';

/** From this overlap on a box is right. */
const RIGHT = 0.5;

/** The overlap of the box around the map's largest connected part with the true box that it overlaps most; without a part 0. */
export const boxIouMetric = defineMetric({
  name: 'box-iou',
  title: 'Box IoU',
  family: 'localisation',
  source: 'Grad-CAM, arXiv:1610.02391, section 4.1',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { truth: 'boxes' },
  cost: '0F',
  params: {
    threshold: { type: 'threshold', default: BOX_THRESHOLD, description: 'pixels above it form the parts' },
  },
  measure: async ({ map, truth, params }: MetricCase) => {
    if (!truth?.boxes.length) return NO_OBJECT;
    const [box] = await findBoxes(map, { threshold: params.threshold as Threshold });
    if (!box) return { value: 0, reason: 'nothing of the map lies above the threshold', details: { correct: 0 } };
    const { x, y, width, height } = box;
    const value = bestIou([x, y, width, height], truth.boxes);
    return { value, details: { correct: value >= RIGHT ? 1 : 0, x, y, width, height } };
  },
});
