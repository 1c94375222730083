/** What users write, checked in the strictest settings against the declarations of the package (test/types.test.ts). */
import { readFile } from 'node:fs/promises';
import {
  type BoxOptions,
  type ComputeMapOptions,
  type ContourOptions,
  type CropOptions,
  type EvaluateOptions,
  type ExplainOptions,
  type ExplainResult,
  type Explanation,
  type LoadOptions,
  listMethods,
  listMetrics,
  listTechniques,
  load,
  type MaskOptions,
  type Measurement,
  type Measurements,
  type MeasureOptions,
  OnnxCamError,
  type OutputOptions,
  type PeakOptions,
  type PredictOptions,
  type PreprocessOptions,
  type RenderOptions,
  type StreamOptions,
  stream,
  type TargetInput,
} from 'onnx-cam';
import type * as kernels from 'onnx-cam/kernels';
import { classIndex, contrast, detection, output, segmentation, similarity, topK } from 'onnx-cam/targets';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** The value has this type, no more and no less. */
const is =
  <Expected>() =>
  <Actual>(_: Actual, ..._same: Equal<Actual, Expected> extends true ? [] : [never]): void => {};

await using cam = await load('model.onnx');
await load(new URL('model.onnx', import.meta.url), { preprocess: 'imagenet', labels: ['a', 'b'] });
await load(await readFile('model.onnx'));

// One result, or as many arrays around it as there are several of.
const one = is<Explanation>();
const many = is<Explanation[]>();
const many2 = is<Explanation[][]>();
const many3 = is<Explanation[][][]>();
const any = is<ExplainResult>();
const methods = ['grad-cam', 'layer-cam'];
const layers = { layer: ['r1', 'r2'], fuse: false } as const;

one(await cam.explain('cat.jpg'));
one(await cam.explain('cat.jpg', {}));
one(await cam.explain('cat.jpg', { method: 'grad-cam', target: 281 }));
one(await cam.explain('cat.jpg', { target: 'top1' }));
one(await cam.explain('cat.jpg', { target: 'tabby', layer: ['r1', 'r2'] }));
one(
  await cam.explain('cat.jpg', { target: contrast('tabby', classIndex(282)), layer: 'stages', mapSize: { max: 512 } }),
);
one(await cam.explain('cat.jpg', { target: segmentation({ classIndex: 1, region: { point: [1, 2] } }) }));
one(await cam.explain('cat.jpg', { target: detection({ classIndex: 1, box: [1, 2, 3, 4] }) }));
one(
  await cam.explain('cat.jpg', { target: similarity([1, 2, 3]), technique: { name: 'smooth-grad', params: { n: 4 } } }),
);
many(await cam.explain('cat.jpg', { methods }));
many(await cam.explain('cat.jpg', { methods: ['grad-cam'], target: 281, layer: 'r1' }));
many(await cam.explain('cat.jpg', { target: 'top3' }));
many(await cam.explain('cat.jpg', { target: topK(3), method: 'eigen-cam' }));
many(await cam.explain('cat.jpg', { target: [967, 'tabby', classIndex(3)] }));
many(await cam.explain('cat.jpg', layers));
many(await cam.explain('cat.jpg', { layer: 'stages', fuse: false }));
many2(await cam.explain('cat.jpg', { methods, target: 'top3' }));
many2(await cam.explain('cat.jpg', { methods, ...layers }));
many2(await cam.explain('cat.jpg', { target: topK(2), ...layers }));
many3(await cam.explain('cat.jpg', { methods, target: topK(2), ...layers }));

many(await cam.explain(['a.jpg', 'b.jpg']));
many(await cam.explain(['a.jpg', 'b.jpg'], { target: 281 }));
many(await cam.explain(['a.jpg', 'b.jpg'], { target: ['tabby', 285] }));
many2(await cam.explain(['a.jpg', 'b.jpg'], { methods }));
many2(await cam.explain(['a.jpg', 'b.jpg'], { methods, target: ['tabby', 285] }));
many2(await cam.explain(['a.jpg', 'b.jpg'], { target: 'top3' }));
many2(await cam.explain(['a.jpg', 'b.jpg'] as const, layers));
many3(await cam.explain(['a.jpg', 'b.jpg'], { methods, target: topK(3) }));
is<Explanation[][][][]>()(await cam.explain(['a.jpg', 'b.jpg'], { methods, target: topK(3), ...layers }));

// What the types cannot tell is all that it may be.
any(await cam.explain('cat.jpg', { target: output('head', topK(3)) }));
any(await cam.explain('cat.jpg', {} as ExplainOptions));
any(await cam.explain('cat.jpg', { target: 1 as TargetInput }));

// @ts-expect-error a mistyped option
await cam.explain('cat.jpg', { methd: 'grad-cam' });
// @ts-expect-error a number is no method
await cam.explain('cat.jpg', { method: 3 });
// @ts-expect-error null is no image
await cam.explain(null);

for await (const { input, result, error } of cam.stream('photos/*.jpg', { concurrency: 2 })) {
  if (error) is<OnnxCamError>()(error);
  else one(result);
  void input;
}
for await (const { result } of cam.stream(['a.jpg'], { methods })) if (result) many(result);
for await (const { result } of cam.stream(['a.jpg'], { methods, target: 'top3' })) if (result) many2(result);
const files: string[] = ['a.jpg'];
for await (const { input, result } of stream([cam], files, { target: 3 })) {
  is<string>()(input);
  if (result) one(result);
}

one(await cam.explain({ type: 'float32', data: new Float32Array(3 * 224 * 224), dims: [1, 3, 224, 224] }));
const explained = await cam.explain('cat.jpg');
is<Buffer>()(await explained.toBuffer());

// Errors.
try {
  await cam.explain('missing.jpg');
} catch (error) {
  if (error instanceof OnnxCamError && error.code === 'ERR_IMAGE_NOT_FOUND') console.error(error.message);
}

const { map } = explained;
const { deletion, road } = await cam.measure('cat.jpg', {
  map,
  metrics: ['deletion', { metric: 'road', params: { noise: 0 } }],
});
is<Measurement>()(deletion);
is<Measurement>()(road);
is<Measurements>()(await cam.measure('cat.jpg', { map: explained }));
is<Measurements>()(await cam.measure('cat.jpg', { map: explained, metrics: ['del'] as string[] }));
is<Measurements>()(await cam.measure('cat.jpg', { map: explained, metrics: ['pixel-flipping'] }));
is<Measurements[]>()(await cam.measure('cat.jpg', { maps: [explained, map] }));
is<Measurements[]>()(await cam.measure('cat.jpg', { map: [explained, map] }));
const [first] = await cam.measure('cat.jpg', { maps: [explained, map], metrics: ['deletion'] });
if (first) is<Measurement>()(first.deletion);
const run = cam.evaluate('photos/', {
  methods: ['grad-cam', { method: 'layer-cam', params: {} }],
  metrics: ['deletion'],
});
for await (const row of run) console.log(row.image);
console.log((await run.summary()).metrics, listMethods()[0]?.name, listMetrics()[0]?.name, listTechniques()[0]?.name);

// What is optional may be undefined.
type Undefinable<T> = T extends unknown
  ? { [K in keyof T]: object extends Pick<T, K> ? T[K] | undefined : T[K] }
  : never;
const takes = <T>(_: T) => {};
declare const loose: <T>() => Undefinable<T>;
takes<LoadOptions>(loose<LoadOptions>());
takes<PreprocessOptions>(loose<PreprocessOptions>());
takes<ExplainOptions>(loose<ExplainOptions>());
takes<StreamOptions>(loose<StreamOptions>());
takes<PredictOptions>(loose<PredictOptions>());
takes<MeasureOptions>(loose<MeasureOptions>());
takes<EvaluateOptions>(loose<EvaluateOptions>());
takes<ComputeMapOptions>(loose<ComputeMapOptions>());
takes<RenderOptions>(loose<RenderOptions>());
takes<OutputOptions>(loose<OutputOptions>());
takes<BoxOptions>(loose<BoxOptions>());
takes<PeakOptions>(loose<PeakOptions>());
takes<MaskOptions>(loose<MaskOptions>());
takes<CropOptions>(loose<CropOptions>());
takes<ContourOptions>(loose<ContourOptions>());
takes<NonNullable<Parameters<Explanation['toBuffer']>[0]>>(
  loose<NonNullable<Parameters<Explanation['toBuffer']>[0]>>(),
);
takes<NonNullable<Parameters<typeof detection>[0]>>(loose<NonNullable<Parameters<typeof detection>[0]>>());
takes<Parameters<typeof segmentation>[0]>(loose<Parameters<typeof segmentation>[0]>());
type KernelOptions = {
  [K in keyof typeof kernels]: (typeof kernels)[K] extends (first: never, options: infer O, ...rest: never[]) => unknown
    ? O
    : never;
}[keyof typeof kernels];
takes<Extract<KernelOptions, object>>(loose<Extract<KernelOptions, object>>());

declare const maybe: { signal: AbortSignal | undefined; target: number | undefined; seed: number | undefined };
one(await cam.explain('cat.jpg', maybe));
one(await cam.explain('cat.jpg', { signal: maybe.signal, method: undefined, methods: undefined, fuse: undefined }));
await cam.predict('cat.jpg', { topK: undefined, signal: maybe.signal });
