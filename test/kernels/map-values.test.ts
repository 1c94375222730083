import { expect, it } from 'vitest';
import {
  changeValues,
  combineMaps,
  combineValues,
  concatenated,
  mapRanges,
  positiveMaps,
  scaleByMaximum,
} from '../../lib/kernels/map-values.ts';
import { planePicture } from '../../lib/kernels/tensor-picture.ts';
import type { Maps } from '../../lib/kernels/types.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { expectClose, features } from './data.ts';

const SIZES = [
  [1, 1, 1],
  [3, 5, 7],
  [2, 1, 17],
  [2, 31, 33],
  [2, 120, 201],
] as const;
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

const mapsOf = (dims: Maps['dims'], seed: number): Maps => ({ ...features(dims, seed), dims });

it.each(SIZES)('maps [%i, %i, %i], value by value, are their twins', async (...dims) => {
  const [one, two, three] = [1, 2, 3].map(seed => mapsOf(dims, seed)) as [Maps, Maps, Maps];
  for (const change of ['absolute', 'positive', 'tanh-of-double'] as const)
    expectClose(await changeValues(one.data, change), reference.changeValues(one.data, change), 1e-7);
  for (const combination of ['mean', 'maximum', 'product', 'sum'] as const) {
    const arrays = [one, two, three].map(({ data }) => data);
    const { data } = await combineMaps([one, two, three], combination);
    expectClose(data, reference.combineValues(arrays, combination), 1e-7);
  }
  expect(await mapRanges(one)).toEqual(reference.mapRanges(one));
  expectClose((await scaleByMaximum(one)).data, reference.scaleByMaximum(one), 1e-7);
  for (const percentile of [0, 37.5, 70, 100])
    expect((await positiveMaps(one, percentile)).data).toEqual(reference.positiveMaps(one, percentile));
  const parts = [one.data, two.data.subarray(1), three.data];
  expect(await concatenated(parts)).toEqual(Float32Array.from(parts.flatMap(part => [...part])));
});

it('NaN stays where it is seen', async () => {
  const values = Float32Array.of(nan, -1, 2, infinity);
  const maps: Maps = { data: values, dims: [2, 1, 2] };
  for (const change of ['absolute', 'positive', 'tanh-of-double'] as const)
    expect(await changeValues(values, change)).toEqual(reference.changeValues(values, change));
  for (const combination of ['mean', 'maximum', 'product', 'sum'] as const)
    for (const order of [
      [values, Float32Array.of(1, 1, nan, 1)],
      [Float32Array.of(1, 1, nan, 1), values],
    ])
      expect(await combineValues(order, combination)).toEqual(reference.combineValues(order, combination));
  expect(await mapRanges(maps)).toEqual([
    { min: -1, max: -1, finite: false },
    { min: 2, max: 2, finite: false },
  ]);
  const [first] = [{ data: values.subarray(0, 2), dims: [1, 1, 2] } as const];
  expect((await scaleByMaximum(first)).data).toEqual(Float32Array.of(nan, nan));
  expect((await positiveMaps(first, 50)).data).toEqual(Float32Array.of(nan, 0));
});

it('a map without positive values is scaled to zeros', async () => {
  const { data } = await scaleByMaximum({ data: Float32Array.of(-1, -2, 4, 8), dims: [2, 1, 2] });
  expect(data).toEqual(Float32Array.of(0, 0, 0, 0.5));
});

it('maps of different sizes are not combined', async () => {
  await expectError(() => combineValues([new Float32Array(3), new Float32Array(4)], 'sum'), 'ERR_INPUT_SHAPE');
});

it('planes of tensors are pictures as their twins make them', async () => {
  const { data } = features([3, 5, 7, 9], 4);
  data[11] = nan;
  data[12] = infinity;
  const planes = [
    // [C, H, W], [H, W, C], one channel of it, a plane across.
    { height: 35, width: 9, start: 0, row: 9, column: 1, channel: 315 },
    { height: 35, width: 9, start: 0, row: 27, column: 3, channel: 1 },
    { height: 7, width: 9, start: 63, row: 9, column: 1, channel: 0 },
    { height: 5, width: 7, start: 4, row: 63, column: 9, channel: 315 },
  ];
  for (const plane of planes) expect(await planePicture(data, plane)).toEqual(reference.planePicture(data, plane));
  expect(await planePicture(Float32Array.of(2, 2, 2), { ...planes[0]!, height: 1, width: 1, channel: 1 })).toEqual(
    Uint8Array.of(0, 0, 0),
  );
  await expectError(() => planePicture(data, { ...planes[0]!, start: 1 }), 'ERR_INPUT_SHAPE');
});
