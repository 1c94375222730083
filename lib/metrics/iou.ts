import { BOX_THRESHOLD } from '../result/boxes.ts';
import { insideOf, type Threshold } from '../result/threshold.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import { IGNORED, NO_OBJECT } from './support/object.ts';

/** How far the pixels from a threshold on and the object cover each other: intersection over union. */
export const iou = defineMetric({
  name: 'iou',
  title: 'IoU at a threshold',
  family: 'localisation',
  source: 'Everingham et al. 2010, PASCAL VOC; threshold of Grad-CAM, arXiv:1610.02391',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { truth: 'region' },
  cost: '0F',
  params: {
    threshold: { type: 'threshold', default: BOX_THRESHOLD, description: 'pixels from it on are marked' },
  },
  measure: async ({ map: { data }, truth, params }: MetricCase) => {
    if (!truth?.inside) return NO_OBJECT;
    const marked = await insideOf(data, params.threshold as Threshold, 'from');
    let both = 0;
    let either = 0;
    for (let i = 0; i < data.length; i++) {
      const cell = truth.mask[i]!;
      if (cell === IGNORED) continue;
      if (cell === 1 && marked[i]) both++;
      if (cell === 1 || marked[i]) either++;
    }
    return { value: both / either };
  },
});
