import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { contourBoxes, largestContourBox } from '../../lib/metrics/support/contours.ts';
import type { Box } from '../../lib/targets/detection.ts';

interface Golden {
  /** Rows of zeros and ones. */
  readonly mask: string[];
  /** First and last column and row. */
  readonly largest: number[];
  readonly all: number[][];
}

const cases: Golden[] = JSON.parse(readFileSync(new URL('../golden/metrics/contours.json', import.meta.url), 'utf8'));
const corners = ([x, y, width, height]: Box) => [x, y, x + width - 1, y + height - 1];

it("OpenCV's boxes of random masks: of the largest contour, and of all with those around holes", () => {
  for (const { mask, largest, all } of cases) {
    const cells = Uint8Array.from(mask.join(''), Number);
    const picture = { cells, width: mask[0]!.length, height: mask.length };
    expect(corners(largestContourBox(picture)), mask.join('\n')).toEqual(largest);
    const ours = contourBoxes(picture).map(corners);
    expect(new Set(ours.map(String)), mask.join('\n')).toEqual(new Set(all.map(String)));
    expect(ours).toHaveLength(all.length);
  }
});
