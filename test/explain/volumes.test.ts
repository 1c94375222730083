import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one } from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

interface LayerGolden {
  readonly dims: readonly number[];
  readonly [method: string]: { readonly raw: readonly number[]; readonly map?: readonly number[] } | readonly number[];
}
interface Network {
  readonly dims: readonly number[];
  readonly image: readonly number[];
  readonly score: number;
  readonly layers: Readonly<Record<'middle' | 'last', LayerGolden>>;
  readonly fused: readonly number[];
}

const FOLDER = new URL('../golden/volumes/', import.meta.url);
const golden: { readonly class: number; readonly networks: Readonly<Record<string, Network>> } = JSON.parse(
  readFileSync(new URL('golden.json', FOLDER), 'utf8'),
);
const target = golden.class;

const openModel = explainerOpener();
const open = (file: Uint8Array) => openModel(file, { intraOpNumThreads: 1 });
const openNetwork = (name: string) => open(gunzipSync(readFileSync(new URL(`${name}.onnx.gz`, FOLDER))));

const imageOf = ({ image, dims }: Network) => ({ type: 'float32', data: Float32Array.from(image), dims }) as const;
const largest = (values: ArrayLike<number>) => Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b));

const cases = ['volumes', 'pooled', 'clips'].flatMap(kind => ['legacy', 'dynamo'].map(from => [kind, from] as const));

describe.each(cases)('%s from the %s exporter', (kind, exporter) => {
  const expected = golden.networks[kind]!;
  const image = imageOf(expected);
  const [, a, b, ...plane] = expected.dims as [number, number, number, ...number[]];
  const size = [kind === 'clips' ? a : b, ...plane];
  const layersOf = (cam: Explainer) => {
    const layers = cam.layers();
    const middle = layers.findLast(({ shape, operator }) => shape[1] === 6 && ['Mul', 'Relu'].includes(operator))!;
    return { middle: middle.name, last: layers.at(-1)!.name };
  };

  it('has maps as autograd and trilinear interpolation have them', async () => {
    const cam = await openNetwork(`${kind}-${exporter}`);
    const layers = layersOf(cam);
    for (const where of ['middle', 'last'] as const) {
      const { dims, ...methods } = expected.layers[where];
      for (const [method, values] of Object.entries(methods)) {
        const { raw, map } = values as { raw: readonly number[]; map?: readonly number[] };
        const result = one(await cam.explain(image, { method, layer: layers[where], target }));
        expect(result.target.score).toBeCloseTo(expected.score, 5);
        expect(result.layer).toMatchObject({ shape: dims });
        expect(result.raw.dims).toEqual(dims.slice(1));
        expectClose(result.raw.data, raw, 5e-5 * largest(raw));
        expect(result.map.dims).toEqual(size);
        if (map) expectClose(result.map.data, map, 2e-5);
      }
    }
  });

  it('fuses layers of two sizes', async () => {
    const cam = await openNetwork(`${kind}-${exporter}`);
    const { middle, last } = layersOf(cam);
    const result = one(await cam.explain(image, { layer: [middle, last], target }));
    expectClose(result.map.data, expected.fused, 2e-5);
    expect(result.raw.dims).toEqual(expected.layers.middle.dims.slice(1));
  });

  it('ends in [0, 1] at the input by every convention', async () => {
    const cam = await openNetwork(`${kind}-${exporter}`);
    for (const convention of ['pytorch-grad-cam', 'torchcam'] as const) {
      const result = one(await cam.explain(image, { convention, target }));
      expect(result.map.dims).toEqual(size);
      const [min, max] = [Math.min(...result.map.data), Math.max(...result.map.data)];
      expect(min).toBeGreaterThanOrEqual(0);
      expect(max).toBeLessThanOrEqual(1);
      if (convention === 'pytorch-grad-cam') expect(max).toBeCloseTo(1, 4);
    }
  });

  it('explains batches and several classes like single ones', async () => {
    const cam = await openNetwork(`${kind}-${exporter}`);
    const other = { ...image, data: image.data.map(value => 0.5 - value) };
    const both = { ...image, data: Float32Array.of(...image.data, ...other.data), dims: image.dims.with(0, 2) };
    const singles = [one(await cam.explain(image, { target })), one(await cam.explain(other, { target }))];
    const batch = (await cam.explain(both, { target })) as unknown as Explanation[];
    batch.forEach((result, i) => {
      expectClose(result.raw.data, singles[i]!.raw.data, 1e-5 * largest(singles[i]!.raw.data));
    });
    const ranked = (await cam.explain(image, { target: 'top3' })) as Explanation[];
    const same = ranked.find(result => result.target.index === target)!;
    expectClose(same.raw.data, singles[0]!.raw.data, 1e-5 * largest(singles[0]!.raw.data));
  });

  it('refuses what masks pictures, and says so before it runs', async () => {
    const cam = await openNetwork(`${kind}-${exporter}`);
    for (const method of ['score-cam', 'rise', 'group-cam', 'zoom-cam', 'fullgrad', 'guided-backprop']) {
      expect([...cam.unsupported([method]).keys()]).toEqual([method]);
      await expectError(() => cam.explain(image, { method }), 'ERR_METHOD_UNSUPPORTED', /volumes|clips/);
    }
    await expectError(
      () => cam.explain(image, { method: 'recipro-cam', params: { gaussian: true } }),
      'ERR_METHOD_UNSUPPORTED',
      /gaussian: false/,
    );
  });
});

it('ablates channels of clips behind a batch of any size as behind one', async () => {
  const [legacy, dynamo] = await Promise.all([openNetwork('clips-legacy'), openNetwork('clips-dynamo')]);
  const image = imageOf(golden.networks.clips!);
  const middle = (cam: Explainer) => cam.layers().findLast(({ operator }) => operator === 'Mul')!.name;
  const [dynamic, fixed] = await Promise.all(
    [legacy, dynamo].map(async cam =>
      one(await cam.explain(image, { method: 'ablation-cam', layer: middle(cam), target })),
    ),
  );
  expectClose(dynamic!.raw.data, fixed!.raw.data, 1e-5 * largest(fixed!.raw.data));
});

/** A volume's mean over channels is its only layer; its class score the sum of it. Any size. */
const brightVolume = () =>
  buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { kernel_shape: [1, 1, 1] }),
      makeNode('Relu', ['c'], ['a'], {}, { name: 'a' }),
      makeNode('GlobalAveragePool', ['a'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 2, 'D', 'H', 'W'] }],
    outputs: [{ name: 'y', dims: ['N', 3] }],
    initializers: { w: { dims: [2, 2, 1, 1, 1], data: [1, 0, 0, 1] }, wf: noise([3, 2], 4, 1) },
  });

describe('a volume as a picture', () => {
  const image = {
    type: 'float32',
    data: Float32Array.from({ length: 2 * 4 * 3 * 5 }, (_, i) => 1 + i),
    dims: [2, 4, 3, 5],
  } as const;

  it('is one plane: the middle slice, or the one asked for', async () => {
    const cam = await open(brightVolume());
    const result = one(await cam.explain(image, { method: 'activation-mean' }));
    expect(result.map.dims).toEqual([4, 3, 5]);
    const { data: heat, info } = await result.heatmap();
    expect([info.width, info.height]).toEqual([5, 3]);
    expect(heat).toEqual((await result.heatmap({ slice: 2 })).data);
    expect(heat).not.toEqual((await result.heatmap({ slice: 0 })).data);
    expect((await result.heatmap({ slice: -1 })).data).toEqual((await result.heatmap({ slice: 3 })).data);
    const side = await result.overlay({ axis: 'width', slice: 4 });
    expect([side.info.width, side.info.height]).toEqual([3, 4]);
    expect((await result.overlay({ axis: 'height' })).info).toMatchObject({ width: 5, height: 4 });
    expect((await result.toBuffer({ slice: 1 })).subarray(1, 4).toString()).toBe('PNG');
    expect(result.toJSON().map).toEqual({ width: 5, height: 3, dims: [4, 3, 5] });
  });

  it('shows the voxels of that plane under the map', async () => {
    const cam = await open(brightVolume());
    const result = one(await cam.explain(image, { method: 'activation-mean' }));
    const { data } = await result.overlay({ alpha: 0, axis: 'height', slice: 1 });
    const voxel = (z: number, x: number) => Math.round(((z * 15 + 5 + x) / 119) * 255);
    expect(Array.from(data.filter((_, i) => i % 3 === 0))).toEqual(
      [0, 1, 2, 3].flatMap(z => [0, 1, 2, 3, 4].map(x => voxel(z, x))),
    );
  });

  it('says which planes there are', async () => {
    const cam = await open(brightVolume());
    const result = one(await cam.explain(image, { method: 'activation-mean' }));
    await expectError(() => result.heatmap({ slice: 4 }), 'ERR_OPTION_INVALID', /-4 to 3 along depth/);
    await expectError(() => result.heatmap({ axis: 'time' as never }), 'ERR_OPTION_INVALID', /depth, height, width/);
  });

  it('takes volumes of any size, and no pictures', async () => {
    const cam = await open(brightVolume());
    const deep = one(await cam.explain(noiseImage([1, 2, 7, 4, 6]), { target: 0 }));
    expect(deep.map.dims).toEqual([7, 4, 6]);
    const flat = one(await cam.explain(noiseImage([1, 2, 3, 9, 2]), { target: 0 }));
    expect(flat.map.dims).toEqual([3, 9, 2]);
    const png = { data: new Uint8Array(12), info: { width: 2, height: 2, channels: 3 } };
    await expectError(() => cam.explain(png as never), 'ERR_INPUT_SHAPE', /N,2,\?,\?,\?.*tensor instead of a picture/);
  });

  it('is no choice for pictures', async () => {
    const planar = await open(
      buildModel({
        nodes: [
          makeNode('Relu', ['x'], ['a']),
          makeNode('GlobalAveragePool', ['a'], ['p']),
          makeNode('Flatten', ['p'], ['y']),
        ],
        inputs: [{ name: 'x', dims: ['N', 3, 4, 4] }],
        outputs: [{ name: 'y', dims: ['N', 3] }],
      }),
    );
    const result = one(await planar.explain(noiseImage([1, 3, 4, 4]), { method: 'eigen-cam' }));
    await expectError(() => result.heatmap({ slice: 0 }), 'ERR_OPTION_INVALID', /this map is a picture/);
  });
});

describe('decisions', () => {
  it('are those of one plane, chosen as for overlays, in its pixels', async () => {
    const cam = await openNetwork('volumes-dynamo');
    const { dims } = golden.networks.volumes!;
    const [depth, height, width] = dims.slice(-3) as [number, number, number];
    const result = one(await cam.explain(imageOf(golden.networks.volumes!), { method: 'hirescam', target }));
    expect(result.status).toBe('ok');
    let found = 0;
    for (const [axis, w, h, planes] of [
      ['depth', width, height, depth],
      ['height', width, depth, height],
      ['width', height, depth, width],
    ] as const)
      for (const slice of [0, planes - 1, -planes]) {
        const mask = await result.mask({ axis, slice, threshold: { ofMax: 0.5 } });
        expect(mask.info).toEqual({ width: w, height: h, channels: 1 });
        const [box] = await result.boxes({ axis, slice, threshold: { ofMax: 0.5 }, max: 1 });
        const [contour] = await result.contours({ axis, slice, threshold: { ofMax: 0.5 }, max: 1 });
        expect(contour?.area).toBe(box?.area);
        if (!box) continue;
        found++;
        const cut = await result.crop({ axis, slice, threshold: { ofMax: 0.5 } });
        expect([cut.info.width, cut.info.height]).toEqual([box.width, box.height]);
        const drawn = await result.overlay({ axis, slice, boxes: { threshold: { ofMax: 0.5 } } });
        expect([drawn.info.width, drawn.info.height]).toEqual([w, h]);
      }
    expect(found).toBeGreaterThan(2);
    expect(await result.peaks()).toEqual(await result.peaks({ slice: depth >> 1, axis: 'depth' }));
    await expectError(() => result.boxes({ slice: depth }), 'ERR_OPTION_INVALID', 'slice');
    await expectError(() => result.peaks({ axis: 'time' as never }), 'ERR_OPTION_INVALID', 'axis');
  });
});
