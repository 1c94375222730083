import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findBoxes } from '../../lib/result/boxes.ts';
import { findContours, type Point } from '../../lib/result/contours.ts';
import { otsu, toBytes } from '../../lib/result/otsu.ts';
import { findPeaks } from '../../lib/result/peaks.ts';
import { insideOf } from '../../lib/result/threshold.ts';

interface Part {
  readonly box: readonly number[];
  readonly area: number;
  readonly sum: number;
  readonly peak: number;
  readonly centroid: readonly [number, number];
}

/** By `make_decisions.py`. */
interface Golden {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly map: string;
  readonly otsu: { readonly opencv: number; readonly skimage: number };
  readonly peaks: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly thresholds: readonly {
    readonly ofMax: number;
    readonly parts4: readonly Part[];
    readonly parts8: readonly Part[];
    readonly contours: { readonly outer: readonly number[][]; readonly holes: readonly number[][] };
  }[];
}

const goldens: readonly Golden[] = JSON.parse(
  readFileSync(new URL('../golden/decisions.json', import.meta.url), 'utf8'),
);

const byNumbers = (a: readonly number[], b: readonly number[]) => a.map((n, i) => n - b[i]!).find(d => d !== 0) ?? 0;

/** Left, top, width and height of the pixels within a ring (outside a hole: the pixels around it). */
function boundsOf(ring: readonly Point[], around: number): number[] {
  const [across, down] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
  const [x, y] = [Math.min(...across) - around, Math.min(...down) - around];
  return [x, y, Math.max(...across) + around - x, Math.max(...down) + around - y];
}

describe.each(goldens.map(golden => [golden.name, golden] as const))('the map of %s', (_, golden) => {
  const { width, height } = golden;
  const data = new Float32Array(Uint8Array.from(Buffer.from(golden.map, 'base64')).buffer);
  const map = { data, width, height };

  it.each(golden.thresholds.map(found => [found.ofMax, found] as const))(
    'falls into the parts of scipy.ndimage and the contours of OpenCV at %d of the maximum',
    async (ofMax, found) => {
      for (const connectivity of [4, 8] as const) {
        const parts = found[`parts${connectivity}`];
        const boxes = await findBoxes(map, { threshold: { ofMax }, connectivity, max: Infinity });
        // The largest first, equal ones in the order of labels.
        expect(boxes.map(({ area }) => area)).toEqual(parts.map(({ area }) => area).sort((a, b) => b - a));
        const ranked = [...parts].sort((a, b) => b.area - a.area);
        for (const [i, { x, y, width, height, sum, peak, centroid }] of boxes.entries()) {
          expect([x, y, width, height]).toEqual(ranked[i]!.box);
          expect(sum).toBeCloseTo(ranked[i]!.sum, 3);
          expect(peak).toBeCloseTo(ranked[i]!.peak, 6);
          expect(centroid[0]).toBeCloseTo(ranked[i]!.centroid[0], 6);
          expect(centroid[1]).toBeCloseTo(ranked[i]!.centroid[1], 6);
        }
      }
      const cells = await insideOf(data, { ofMax }, 'above');
      const contours = await findContours({ cells, width, height });
      expect(contours.map(({ outline }) => boundsOf(outline, 0)).sort(byNumbers)).toEqual(found.contours.outer);
      const holes = contours.flatMap(one => one.holes.map(hole => boundsOf(hole, 1)));
      expect(holes.sort(byNumbers)).toEqual(found.contours.holes);
    },
  );

  it('has the peaks of scikit-image', async () => {
    for (const [minDistance, at] of Object.entries(golden.peaks)) {
      const found = await findPeaks(map, { minDistance: Number(minDistance) });
      expect(found.map(({ x, y }) => [x, y])).toEqual(at);
    }
  });

  it('has the threshold of Otsu that OpenCV and scikit-image find', () => {
    expect(otsu(toBytes(data))).toBe(golden.otsu.opencv);
    expect(Math.abs(otsu(toBytes(data)) - golden.otsu.skimage)).toBeLessThanOrEqual(1);
  });
});
