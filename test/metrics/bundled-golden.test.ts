/** Maps of the bundled model measured through the door, beside what other tools say of the same maps and input tensors. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Explainer, load } from '../../lib/index.ts';
import type { MetricSpec } from '../../lib/metrics/choose.ts';
import type { Measurements } from '../../lib/metrics/measurement.ts';
import { spearman } from '../../lib/metrics/support/spearman.ts';
import { ssim } from '../../lib/metrics/support/ssim.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { bundledModel, loadGoldenMethods } from '../helpers/golden-methods.ts';

type Values = Readonly<Record<string, number>>;

interface Picture {
  readonly name: string;
  readonly target: number;
  readonly box: readonly [number, number, number, number];
  /** A Grad-CAM of 7 × 7 in 256ths. */
  readonly cells: readonly number[];
  readonly maps: Readonly<{
    cells: {
      torchcam: Values;
      'pytorch-grad-cam': Values & Record<'morf' | 'lerf', readonly number[]>;
      captum: Values;
    };
    scattered: { torchcam: Values; 'pytorch-grad-cam': Values & Record<'morf' | 'lerf', readonly number[]> };
    untied: { quantus: Values & Record<'pixel-flipping' | 'region-perturbation', readonly number[]> };
  }>;
  readonly similarity: { readonly spearman: number; readonly ssim: number };
  readonly sensitivity: Readonly<Record<'radius' | 'n' | 'mean' | 'sd' | 'repeats', number>> | null;
}

/** test/golden/make_bundled_metrics.py */
const folder = new URL('../golden/metrics/', import.meta.url);
const golden = JSON.parse(readFileSync(new URL('bundled.json', folder), 'utf8')) as {
  readonly percentiles: readonly number[];
  readonly patch: number;
  readonly step: number;
  readonly pictures: readonly Picture[];
};
const pixels = readFileSync(new URL('bundled-pixels.bin', folder));

const SIDE = 224;
const AREA = SIDE * SIDE;
const PGC = 'pytorch-grad-cam';

/** [1, 3, 224, 224], as the model got it there. */
function inputOf(index: number) {
  const data = new Float32Array(3 * AREA);
  for (let p = 0; p < AREA; p++)
    for (let c = 0; c < 3; c++) data[c * AREA + p] = (pixels[3 * (AREA * index + p) + c]! - 127) / 128;
  return { type: 'float32', dims: [1, 3, SIDE, SIDE], data } as const;
}

const atInput = (data: Float32Array) => ({ data, width: SIDE, height: SIDE });
const layerMap = ({ cells }: Picture) => ({ data: Float32Array.from(cells, v => v / 256), width: 7, height: 7 });
const scattered = atInput(Float32Array.from({ length: AREA }, (_, i) => ((i * 31393) % AREA) / 65536));

/** Enlarged, half-pixel; every number is held exactly. */
function enlarged(cells: readonly number[]): Float32Array {
  const places = Array.from({ length: SIDE }, (_, i) => {
    const at = Math.max(0, (i + 0.5) / 32 - 0.5);
    const low = Math.floor(at);
    return { low, high: Math.min(6, low + 1), part: at - low };
  });
  return Float32Array.from({ length: AREA }, (_, i) => {
    const [y, x] = [places[Math.floor(i / SIDE)]!, places[i % SIDE]!];
    const row = (r: number) => cells[7 * r + x.low]! * (1 - x.part) + cells[7 * r + x.high]! * x.part;
    return (row(y.low) * (1 - y.part) + row(y.high) * y.part) / 256;
  });
}

/** 256 levels of the map; among equal ones the later pixel is the larger. */
const untied = (cells: readonly number[]) =>
  enlarged(cells).map((value, i) => (Math.floor(value * 256) * 65536 + i) / 2 ** 24);

let cam: Explainer;
beforeAll(async () => {
  cam = await load(bundledModel);
});
afterAll(() => cam.dispose());

const layer = loadGoldenMethods().layers.last.tensor;

describe.each(golden.pictures.map((picture, index) => ({ ...picture, picture, index })))('$name', one => {
  const { picture, index, target, maps, box } = one;
  const input = inputOf(index);
  const valuesOf = (measured: Measurements, names: readonly string[]) => names.map(name => measured[name]!.value!);
  const measured = (
    map: Parameters<Explainer['measure']>[1]['map'],
    metrics: readonly MetricSpec[],
    more: object = {},
  ) => cam.measure(input, { map: map!, target, metrics, ...more });

  describe.each([
    ['cells', layerMap(picture)],
    ['scattered', scattered],
  ] as const)('map: %s', (kind, map) => {
    test('torchcam: ClassificationMetric, DeletionInsertionMetric', async () => {
      const theirs = maps[kind].torchcam;
      const names = Object.keys(theirs);
      expect(names).toEqual(['average-drop', 'average-increase', 'deletion', 'insertion']);
      const ours = await measured(map, names, { convention: 'torchcam' });
      expectClose(valuesOf(ours, names), Object.values(theirs), 1e-4);
    });

    test('pytorch-grad-cam: drop, increase, ROAD, complexity, coherency', async () => {
      const { morf, lerf, ...theirs } = maps[kind][PGC];
      const names = Object.keys(theirs);
      expect(names).toHaveLength(7);
      const specs = names.map(metric =>
        metric.startsWith('road') ? { metric, params: { noise: 0, percentiles: golden.percentiles } } : metric,
      );
      const ours = await measured(map, specs, { convention: PGC, method: 'grad-cam', layer });
      expectClose(valuesOf(ours, names), Object.values(theirs), 1e-4);
      expectClose(ours['road-morf']!.curve!.y, morf, 1e-4);
      expectClose(ours['road-lerf']!.curve!.y, lerf, 1e-4);
    });
  });

  test('captum: infidelity by squares', async () => {
    for (const [key, expected] of Object.entries(maps.cells.captum)) {
      const [score, kind] = key.split(' ') as [string, string];
      const params = { patch: golden.patch, score, normalize: kind === 'normalized' };
      const { infidelity } = await measured(layerMap(picture), [{ metric: 'infidelity', params }]);
      const scale = Math.max(1, expected);
      expectClose([infidelity!.value! / scale], [expected / scale], 1e-4);
    }
  });

  test('Quantus: pixel flipping, region perturbation, localisation, complexity', async () => {
    const { 'pixel-flipping': flipping, 'region-perturbation': regions, ...values } = maps.untied.quantus;
    const map = atInput(untied(picture.cells));
    const flipped = await measured(map, [{ metric: 'pixel-flipping', params: { step: golden.step } }]);
    expectClose(Object.values(flipped)[0]!.curve!.y.slice(1), flipping, 1e-4);
    const names = Object.keys(values);
    expect(names).toHaveLength(8);
    const aopc = { metric: 'aopc', params: { patch: golden.patch, regions: 49 } };
    const ours = await measured(map, [aopc, ...names], { convention: 'quantus', truth: { boxes: [box] } });
    expectClose(ours.aopc!.curve!.y, regions, 1e-4);
    for (const name of names) expectClose([ours[name]!.value!], [values[name]!], 1e-4);
  });

  test("MPRT's similarities", async () => {
    const map = untied(picture.cells);
    const theirs = one.similarity;
    expectClose([(await spearman(map, scattered.data))!], [theirs.spearman], 1e-4);
    expectClose([ssim(map, enlarged(picture.cells), SIDE, SIDE)!], [theirs.ssim], 1e-4);
  });

  test.runIf(one.sensitivity)('captum: max-sensitivity, on average', { timeout: 120_000 }, async () => {
    const { radius, n, mean, sd, repeats } = one.sensitivity!;
    const map = await cam.explain(input, { target, layer, mapSize: 'input' });
    const metrics = [{ metric: 'max-sensitivity', params: { radius, n } }];
    const values: number[] = [];
    for (let seed = 0; seed < repeats; seed++)
      values.push((await cam.measure(input, { map, metrics, seed }))['max-sensitivity']!.value!);
    const ours = values.reduce((a, b) => a + b) / values.length;
    const spread = Math.sqrt(values.reduce((sum, v) => sum + (v - ours) ** 2, 0) / (values.length - 1));
    expect(Math.abs(ours - mean)).toBeLessThan((3 * Math.hypot(sd, spread)) / Math.sqrt(repeats));
  });
});
