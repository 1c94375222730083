/**
 * torchcam, pytorch-grad-cam, Quantus and captum on the bundled model, with a stored picture and a made map
 * (test/golden/make_bundled_score_metrics.py): what remains is the network's own rounding.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Explainer, load, type MetricConvention } from '../../lib/index.ts';
import type { MetricSpec } from '../../lib/metrics/choose.ts';
import { anySizeModel } from '../helpers/any-size-model.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { loadGoldenMethods } from '../helpers/golden-methods.ts';

interface GoldenScores {
  readonly percentiles: readonly number[];
  readonly centre: readonly [y: number, x: number];
  readonly torchcam: Readonly<Record<string, number>>;
  readonly captum: Readonly<Record<string, number>>;
  readonly 'pytorch-grad-cam': Readonly<
    Record<'average-drop' | 'average-increase' | 'complexity' | 'coherency' | 'road' | 'arcc', number>
  > &
    Readonly<Record<'road-morf' | 'road-lerf', readonly number[]>>;
  readonly quantus: {
    readonly 'pixel-flipping': { readonly step: number; readonly curve: readonly number[] };
    readonly 'region-perturbation': { readonly patch: number; readonly curve: readonly number[] };
    readonly 'region-perturbation, centred': Readonly<Record<'patch' | 'regions', number>> & {
      curve: readonly number[];
    };
  };
}

const file = new URL('../golden/metrics/bundled-scores.json', import.meta.url);
const {
  percentiles,
  centre,
  torchcam,
  captum,
  quantus,
  'pytorch-grad-cam': pgc,
} = JSON.parse(readFileSync(file, 'utf8')) as GoldenScores;
const { inputs, layers } = loadGoldenMethods();
const { tensor, targets } = inputs.wide;

/** Scores of two float32 engines. */
const TOLERANCE = 1e-4;

let cam: Explainer;
beforeAll(async () => {
  cam = await load(anySizeModel());
});
afterAll(() => cam.dispose());

/** 1 at the centre, falling by squared distance and then by number, so that no two values are equal. */
function ranked([top, left]: readonly [number, number]): { data: Float32Array; width: number; height: number } {
  const [height, width] = tensor.dims.slice(2) as [number, number];
  const pixels = height * width;
  const squares = Array.from(
    { length: pixels },
    (_, i) => (Math.floor(i / width) - top) ** 2 + ((i % width) - left) ** 2,
  );
  const data = new Float32Array(pixels);
  const order = squares.map((_, i) => i).sort((a, b) => squares[a]! - squares[b]! || a - b);
  for (const [rank, pixel] of order.entries()) data[pixel] = (pixels - 1 - rank) / (pixels - 1);
  return { data, width, height };
}

const map = ranked(centre);
const measured = (metrics: readonly MetricSpec[], convention: MetricConvention) =>
  cam.measure(
    { type: 'float32', ...tensor },
    { map, metrics, convention, target: targets[0]!, method: 'grad-cam', layer: layers.last.tensor },
  );

test('torchcam', async () => {
  const ours = await measured(Object.keys(torchcam), 'torchcam');
  for (const [name, expected] of Object.entries(torchcam)) expectClose([ours[name]!.value!], [expected], TOLERANCE);
});

test('pytorch-grad-cam', async () => {
  const params = { percentiles, noise: 0 };
  const road = ['road-morf', 'road-lerf', 'road', 'arcc'].map(metric => ({ metric, params }));
  const plain = ['average-drop', 'average-increase', 'complexity', 'coherency'] as const;
  const ours = await measured([...plain, ...road], 'pytorch-grad-cam');
  for (const name of [...plain, 'road', 'arcc'] as const)
    expectClose([ours[name]!.value!], [pgc[name]], name === 'coherency' ? 1e-3 : TOLERANCE);
  for (const name of ['road-morf', 'road-lerf'] as const) expectClose(ours[name]!.curve!.y, pgc[name], TOLERANCE);
});

test('captum', async () => {
  const { patch, ...scores } = captum;
  expect(Object.keys(scores)).toHaveLength(8);
  for (const [key, expected] of Object.entries(scores)) {
    const [perturbation, score, kind] = key.split(' ') as [string, string, string];
    const params = { patch: patch!, perturbation, score, normalize: kind === 'normalized' };
    const { infidelity } = await measured([{ metric: 'infidelity', params }], 'paper');
    expectClose([infidelity!.value! / expected], [1], 1e-3);
  }
});

test('Quantus', async () => {
  const { 'pixel-flipping': flipping, 'region-perturbation': regions, ...others } = quantus;
  const { deletion } = await measured([{ metric: 'deletion', params: { step: flipping.step } }], 'paper');
  expectClose(deletion!.curve!.y.slice(1), flipping.curve, TOLERANCE);
  for (const { curve, ...params } of [regions, others['region-perturbation, centred']]) {
    const { aopc } = await measured([{ metric: 'aopc', params }], 'quantus');
    expectClose(aopc!.curve!.y, curve, TOLERANCE);
  }
});
