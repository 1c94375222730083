import { defineMetric, type MetricCase } from './definition.ts';
import { IGNORED, NO_OBJECT } from './support/object.ts';
import type { TruthAtInput } from './truth-at-input.ts';

/** Whether the largest value lies in the object. Of several equal ones the first in row order counts, or any. */
export const pointingGame = defineMetric({
  name: 'pointing-game',
  title: 'Pointing Game',
  family: 'localisation',
  source: 'Zhang et al. 2016, arXiv:1608.00507',
  direction: 'higher',
  range: [0, 1],
  unit: 'yes/no',
  needs: { truth: 'region' },
  refuses: ['zero', 'constant'],
  cost: '0F',
  params: {
    tolerance: {
      type: 'number',
      default: 0,
      min: 0,
      description: "also a hit: the object is nearer than this to the maximum, in the input's pixels",
    },
    anyMaximum: {
      type: 'boolean',
      default: false,
      defaults: { quantus: true, openvino: true },
      description: 'a hit where any of several equal maxima is one; else the first in row order decides',
    },
  },
  measure: ({ map, truth, params }: MetricCase) => {
    if (!truth?.inside) return NO_OBJECT;
    const maxima = maximaOf(map.data, truth.mask, params.anyMaximum as boolean);
    const tolerance = params.tolerance as number;
    return { value: maxima.some(pixel => isNear(pixel, truth, map, tolerance)) ? 1 : 0 };
  },
});

/** The largest of the pixels that take part: the first in row order, or all that are equal. */
function maximaOf(data: Float32Array, mask: Uint8Array, all: boolean): number[] {
  let maxima: number[] = [];
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    if (mask[i] === IGNORED) continue;
    if (data[i]! > largest) {
      largest = data[i]!;
      maxima = [i];
    } else if (all && data[i] === largest) maxima.push(i);
  }
  return maxima;
}

/** Whether the object has a pixel at a squared distance of less than tolerance², or this one. */
function isNear(
  pixel: number,
  { mask }: TruthAtInput,
  { width, height }: { readonly width: number; readonly height: number },
  tolerance: number,
): boolean {
  if (mask[pixel] === 1) return true;
  const [px, py] = [pixel % width, Math.floor(pixel / width)];
  for (let y = Math.max(0, Math.ceil(py - tolerance)); y < height && y <= py + tolerance; y++)
    for (let x = Math.max(0, Math.ceil(px - tolerance)); x < width && x <= px + tolerance; x++)
      if (mask[y * width + x] === 1 && (x - px) ** 2 + (y - py) ** 2 < tolerance ** 2) return true;
  return false;
}
