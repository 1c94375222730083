/**
 * Outlines and runs of COCO as pixels, as pycocotools draws them: columns first, from top to bottom. The formulas are those of
 * its `rleFrPoly` and `rleFrString`.
 */
import type { TruthMask } from './truth.ts';

/** Points of an outline lie on a grid this much finer than the pixels. */
const FINER = 5;

/** Sets what lies within an outline [x, y, x, y, …]; points may lie a picture's size outside, no further. */
export function paintPolygon(mask: TruthMask, points: readonly number[], value: number): void {
  const { width, height } = mask;
  // Where columns change between inside and outside: places in the picture, columns first.
  const changes = changesOf(points, width, height).sort((a, b) => a - b);
  for (let i = 0; i + 1 < changes.length; i += 2) paintRun(mask, changes[i]!, changes[i + 1]!, value);
  if (changes.length % 2 === 1) paintRun(mask, changes.at(-1)!, width * height, value);
}

function changesOf(points: readonly number[], width: number, height: number): number[] {
  const count = points.length / 2;
  const at = (i: number, axis: 0 | 1) => Math.trunc(FINER * points[2 * (i % count) + axis]! + 0.5);
  const changes: number[] = [];
  let [lastU, lastV, isFirst] = [0, 0, true];
  const visit = (u: number, v: number): void => {
    if (!isFirst && u !== lastU) {
      const x = ((u < lastU ? u : u - 1) + 0.5) / FINER - 0.5;
      if (Number.isInteger(x) && x >= 0 && x <= width - 1) {
        const y = (Math.min(v, lastV) + 0.5) / FINER - 0.5;
        changes.push(x * height + Math.ceil(Math.min(height, Math.max(0, y))));
      }
    }
    [lastU, lastV, isFirst] = [u, v, false];
  };
  for (let i = 0; i < count; i++) {
    let [xs, ys, xe, ye] = [at(i, 0), at(i, 1), at(i + 1, 0), at(i + 1, 1)];
    const [dx, dy] = [Math.abs(xe - xs), Math.abs(ye - ys)];
    const flip = (dx >= dy && xs > xe) || (dx < dy && ys > ye);
    if (flip) [xs, ys, xe, ye] = [xe, ye, xs, ys];
    const length = Math.max(dx, dy);
    const slope = length === 0 ? 0 : dx >= dy ? (ye - ys) / dx : (xe - xs) / dy;
    for (let d = 0; d <= length; d++) {
      const t = flip ? length - d : d;
      if (dx >= dy) visit(t + xs, Math.trunc(ys + slope * t + 0.5));
      else visit(Math.trunc(xs + slope * t + 0.5), t + ys);
    }
  }
  return changes;
}

/** Sets the runs of ones of a run-length code, which begins with zeros. @param counts as many pixels as the picture has */
export function paintRuns(mask: TruthMask, counts: readonly number[], value: number): void {
  let from = 0;
  counts.forEach((length, i) => {
    if (i % 2 === 1) paintRun(mask, from, from + length, value);
    from += length;
  });
}

function paintRun({ data, width, height }: TruthMask, from: number, to: number, value: number): void {
  for (let place = from; place < to; place++) {
    const column = Math.floor(place / height);
    data[(place - column * height) * width + column] = value;
  }
}

/** The counts of COCO's text: 5 bits a character, differences to the count before the last. Nothing where it is damaged. */
export function countsOfText(text: string): number[] | undefined {
  const counts: number[] = [];
  for (let p = 0; p < text.length; ) {
    let value = 0;
    for (let k = 0, more = true; more; k++) {
      const c = text.charCodeAt(p++) - 48;
      // Six characters hold more than any picture has pixels.
      if (!(c >= 0 && c < 64) || k > 5) return undefined;
      value |= (c & 31) << (5 * k);
      more = (c & 32) !== 0;
      if (!more && c & 16 && k < 6) value |= -1 << (5 * (k + 1));
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2]! : value);
  }
  return counts;
}
