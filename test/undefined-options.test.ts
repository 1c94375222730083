/** An option that is there as `undefined` is one that is not there: callers hand on what they may not have. */
import { afterAll, expect, it } from 'vitest';
import { computeMap, type ExplainOptions, load } from '../lib/index.ts';
import * as kernels from '../lib/kernels/index.ts';
import { detection, segmentation } from '../lib/targets/index.ts';
import { residualModel } from './helpers/small-models.ts';

const absent = (...names: string[]) => Object.fromEntries(names.map(name => [name, undefined]));

const LOAD = absent(
  ...[
    'precision',
    'scoringPrecision',
    'preprocess',
    'limitInputPixels',
    'decode',
    'labels',
    'layer',
    'input',
    'output',
  ],
  ...['inputs', 'detector', 'tokens', 'executionProviders', 'graphOptimizationLevel', 'intraOpNumThreads'],
  ...['interOpNumThreads', 'executionMode', 'enableCpuMemArena', 'enableMemPattern', 'logId', 'logSeverityLevel'],
  ...['logVerbosityLevel', 'enableProfiling', 'profileFilePrefix', 'optimizedModelFilePath'],
  ...['freeDimensionOverrides', 'extra', 'libraryPath'],
);
const PREPROCESS = absent(
  ...['preset', 'mean', 'std', 'scale', 'range', 'size', 'fit', 'resize', 'cropPct', 'padColor', 'interpolation'],
  ...['channelOrder', 'layout'],
);
const CALL = absent('signal', 'onProgress', 'batchSize', 'seed', 'inputs');
const EXPLAIN: ExplainOptions = {
  ...CALL,
  ...absent('method', 'methods', 'params', 'target', 'layer', 'fuse', 'convention', 'fusion', 'mapSize', 'technique'),
};

const picture = {
  data: new Uint8Array(20 * 10 * 3).map((_, i) => (i * 7) % 256),
  info: { width: 20, height: 10, channels: 3 },
};
const plain = await load(residualModel());
const loose = await load(residualModel(), LOAD);
const preprocessed = await load(residualModel(), { preprocess: PREPROCESS });
afterAll(() => Promise.all([plain, loose, preprocessed].map(cam => cam.dispose())));

it('of load and explain', async () => {
  const expected = await plain.explain(picture);
  for (const cam of [loose, preprocessed]) {
    const result = await cam.explain(picture, EXPLAIN);
    expect(result).toMatchObject({ map: expected.map, preprocess: expected.preprocess });
  }
  const { timings: _, ...named } = (await plain.explain(picture, {
    ...EXPLAIN,
    method: 'layer-cam',
  })) as typeof expected;
  expect(named.method).toBe('layer-cam');
  expect(await plain.predict(picture, absent('topK', 'signal', 'inputs'))).toEqual(await plain.predict(picture));
  for await (const { error } of plain.stream([picture], { ...EXPLAIN, ...absent('concurrency') }))
    expect(error).toBe(undefined);
});

it('of what is made of an explanation', async () => {
  const result = await plain.explain(picture);
  const render = absent('colormap', 'alpha', 'slice', 'axis', 'boxes', 'contours');
  expect(await result.overlay(render)).toEqual(await result.overlay());
  expect(await result.heatmap(render)).toEqual(await result.heatmap());
  expect(await result.toBuffer({ ...render, ...absent('kind', 'format') })).toEqual(await result.toBuffer());
  const search = absent('threshold', 'connectivity', 'by', 'max', 'minArea');
  expect(await result.boxes(search)).toEqual(await result.boxes());
  expect(await result.peaks(absent('minDistance', 'threshold', 'max'))).toEqual(await result.peaks());
  expect(await result.mask(absent('threshold'))).toEqual(await result.mask());
  expect(await result.crop(absent('box', 'threshold', 'margin'))).toEqual(await result.crop());
  expect(await result.contours(absent('threshold', 'connectivity', 'max', 'minArea'))).toEqual(await result.contours());
});

it('of measure and evaluate', async () => {
  const map = await plain.explain(picture);
  const options = {
    ...CALL,
    ...absent('maps', 'target', 'convention', 'truth', 'method', 'params', 'layer', 'fusion', 'technique'),
  };
  const metrics = ['deletion', { metric: 'complexity', params: undefined }];
  const measured = await plain.measure(picture, { ...options, map, metrics });
  expect(measured.deletion!.value).toBe((await plain.measure(picture, { map, metrics })).deletion!.value);
  const run = plain.evaluate(['assets/pictures/cat.png'], {
    ...CALL,
    ...absent(
      'layers',
      'conventions',
      'target',
      'truth',
      'controls',
      'only',
      'limit',
      'concurrency',
      'folder',
      'resume',
    ),
    methods: [{ method: 'grad-cam', ...absent('params', 'fusion', 'technique') }],
    metrics: ['complexity'],
  });
  for await (const row of run) expect('error' in row && row.error).toBeFalsy();
});

it('of computeMap, kernels and targets', async () => {
  const activations = { data: Float32Array.from({ length: 32 }, (_, i) => i), dims: [2, 4, 4] };
  const given = absent('convention', 'params', 'size', 'seed');
  const tensors = { activations, gradients: activations, ...absent('attributions', 'weights', 'scores') };
  expect(await computeMap('grad-cam', tensors, given)).toEqual(
    await computeMap('grad-cam', { activations, gradients: activations }),
  );
  const maps = { data: activations.data, dims: [2, 4, 4] as const };
  const options = { kind: 'range' as const, ...absent('epsilon', 'relu') };
  expect(await kernels.normalize(maps, options)).toEqual(await kernels.normalize(maps, { kind: 'range' }));
  const pixels = { mean: 0, std: 1, ...absent('scale', 'channelOrder', 'layout', 'out') };
  expect(await kernels.imageToTensor(picture, pixels)).toEqual(
    await kernels.imageToTensor(picture, { mean: 0, std: 1 }),
  );
  const size = { width: 5, height: 5, interpolation: 'bilinear' as const };
  expect(await kernels.resizeAntialiased(picture, { ...size, ...absent('window', 'signal', 'out') })).toEqual(
    await kernels.resizeAntialiased(picture, size),
  );
  expect(detection(absent('classIndex', 'box', 'iou', 'format'))).toEqual(detection());
  expect(segmentation({ classIndex: 1, region: undefined })).toEqual(segmentation({ classIndex: 1 }));
});
