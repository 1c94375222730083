import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pearson } from '../../lib/common/pearson.ts';
import { histogramEntropy } from '../../lib/metrics/support/histogram-entropy.ts';
import { spearman } from '../../lib/metrics/support/spearman.ts';
import { ssim, ssimOfLine } from '../../lib/metrics/support/ssim.ts';
import { findBoxes } from '../../lib/result/boxes.ts';
import { otsu, toBytes } from '../../lib/result/otsu.ts';
import { findPeaks } from '../../lib/result/peaks.ts';
import { quantileOf } from '../../lib/result/quantile.ts';
import type { Box } from '../../lib/targets/detection.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { type Asked, judge, truthOf } from './cases.ts';

interface Component {
  readonly box: number[];
  readonly area: number;
  readonly sum: number;
  readonly peak: number;
  readonly centroid: [number, number];
}

interface Golden {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly map: number[];
  readonly other: number[];
  readonly mask: number[];
  readonly boxes: Box[];
  readonly spearman: number | null;
  readonly pearson: number | null;
  readonly ssim: number;
  readonly ssimOfLine: number;
  readonly histogramEntropy: number;
  readonly rocAuc: number;
  readonly pxap: number;
  readonly iou: Readonly<Record<string, number>>;
  readonly otsu: number;
  readonly percentiles: [q: number, value: number][];
  readonly maxBoxAcc: number[];
  readonly maxBoxAccV2: number[];
  readonly components: Readonly<Record<'4' | '8', Component[]>>;
  readonly peaks: [distance: number, threshold: number | null, at: [number, number][]][];
  readonly quantus: Readonly<Record<string, number>> | null;
}

const cases: Golden[] = JSON.parse(readFileSync(new URL('../golden/metrics/maps.json', import.meta.url), 'utf8'));

describe.each(cases)('$name', golden => {
  const { width, height } = golden;
  const plane = { data: Float32Array.from(golden.map), width, height };
  const other = Float32Array.from(golden.other);
  const truth = truthOf(golden.mask, golden.boxes);
  const valueIn = async (name: string, asked: Asked = {}) => (await judge(name, plane, { truth, ...asked })).value;
  const expectValue = (actual: number | null, expected: number | null) =>
    expected === null ? expect(actual).toBeNull() : expectClose([actual!], [expected], 1e-6);

  it('correlations of SciPy, SSIM of scikit-image', async () => {
    expectValue(pearson(plane.data, other), golden.pearson);
    expectValue(await spearman(plane.data, other), golden.spearman);
    expectValue(ssim(plane.data, other, width, height), golden.ssim);
    expectValue(ssimOfLine(plane.data, other), golden.ssimOfLine);
  });

  it("NumPy's percentiles and histogram", async () => {
    for (const [q, value] of golden.percentiles) expect(await quantileOf(plane.data, q / 100)).toBe(value);
    expectValue(histogramEntropy(plane.data, 100), golden.histogramEntropy);
  });

  it("scikit-learn's areas and overlaps", async () => {
    expectValue(await valueIn('roc-auc'), golden.rocAuc);
    expectValue(await valueIn('pxap'), golden.pxap);
    for (const [ofMax, value] of Object.entries(golden.iou))
      expectValue(await valueIn('iou', { params: { threshold: { ofMax: Number(ofMax) } } }), value);
  });

  it("OpenCV's threshold, components and contours", async () => {
    expect(otsu(toBytes(plane.data))).toBe(golden.otsu);
    for (const connectivity of [4, 8] as const) {
      const found = await findBoxes(plane, { threshold: { value: 0.45 }, connectivity, max: Infinity });
      const inRowOrder = (a: Component, b: Component) => b.area - a.area || key(a) - key(b);
      const key = ({ box: [x, y] }: Component) => y! * width + x!;
      const ours = found.map(({ x, y, width, height, area, sum, peak, centroid }) => ({
        box: [x, y, width, height],
        area,
        sum: expect.closeTo(sum, 4),
        peak: expect.closeTo(peak, 6),
        centroid: centroid.map(v => expect.closeTo(v, 6)),
      }));
      const theirs = [...golden.components[connectivity]].sort(inRowOrder);
      expect(theirs).toEqual(ours.sort(inRowOrder as never));
    }
    const largest = await judge('max-box-acc', plane, { truth });
    expectClose(largest.curve!.y, golden.maxBoxAcc, 1e-9);
    const all = await judge('max-box-acc', plane, { truth, params: { contours: 'all', interval: 0.05 } });
    expectClose(all.curve!.y, golden.maxBoxAccV2, 1e-9);
  });

  it("scikit-image's peaks", async () => {
    for (const [minDistance, value, at] of golden.peaks) {
      const threshold = value === null ? undefined : { value };
      const found = await findPeaks(plane, { minDistance, threshold });
      expect(found.map(({ x, y }) => [x, y])).toEqual(at);
    }
  });

  it.runIf(golden.quantus)("Quantus' values", async () => {
    const inside = truthOf(golden.mask.map(cell => (cell === 1 ? 1 : 0)));
    const ofQuantus = (name: string, params = {}) => valueIn(name, { truth: inside, params, convention: 'quantus' });
    const theirs = golden.quantus!;
    for (const name of ['pointing-game', 'roc-auc', 'sparseness', 'entropy', 'effective-complexity'])
      expectClose([(await ofQuantus(name))!], [theirs[name]!], 1e-5);
    expectClose([(await ofQuantus('energy-pointing-game'))!], [theirs['attribution-localisation']!], 1e-6);
    // Among equal values its order is arbitrary.
    if (golden.name !== 'smooth' && golden.name !== 'narrow') return;
    expectValue(await ofQuantus('rank-accuracy'), theirs['rank-accuracy']!);
    expectValue(await ofQuantus('top-k', { k: 20 }), theirs['top-k']!);
    expectValue(await ofQuantus('top-k', { k: 20, conceptInfluence: true }), theirs['top-k-influence']!);
  });
});
