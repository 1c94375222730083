import { describe, expect, it } from 'vitest';
import * as kernels from '../../lib/kernels/index.ts';
import { nativeKernels } from '../../lib/kernels/native-kernels.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectClose, features } from './data.ts';

const a = features([2, 3, 4, 5], 1);
const maps = { data: new Float32Array(20), dims: [1, 4, 5] as const };
const image = { data: new Uint8Array(60), info: { width: 5, height: 4, channels: 3 } };
const map = { data: new Float32Array(20), width: 5, height: 4 };
const table = new Uint8Array(768);
/** Not in the es2023 types. */
const Resizable = ArrayBuffer as unknown as new (
  size: number,
  options: { maxByteLength: number },
) => ArrayBuffer & { resize(size: number): void };
const shape = { code: 'ERR_INPUT_SHAPE', name: 'OnnxCamError' };
const option = { code: 'ERR_OPTION_INVALID', name: 'OnnxCamError' };

function detached(): Float32Array {
  const array = new Float32Array(120);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

describe('kernels refuse what does not fit', () => {
  const calls: [string, object, () => Promise<unknown>][] = [
    ['too few elements', shape, () => kernels.channelMeans({ ...a, dims: [2, 3, 4, 6] })],
    ['a detached buffer', shape, () => kernels.channelMeans({ ...a, data: detached() })],
    ['two dimensions', shape, () => kernels.channelMeans({ ...a, dims: [6, 20] })],
    ['a dimension of 0', shape, () => kernels.channelMeans({ data: new Float32Array(0), dims: [1, 0, 4, 5] })],
    ['doubles', shape, () => kernels.channelMeans({ ...a, data: new Float64Array(120) as never })],
    ['weights of other channels', shape, () => kernels.weightedSum(a, new Float32Array(5))],
    ['weights of three images', shape, () => kernels.weightedSum(a, new Float32Array(9))],
    ['no weights', shape, () => kernels.weightedSum(a, new Float32Array(0))],
    ['gradients of other positions', shape, () => kernels.gradientProduct(a, features([2, 3, 5, 4], 1), 'hirescam')],
    ['gradients of other channels', shape, () => kernels.gradientProduct(a, features([2, 4, 4, 5], 1), 'hirescam')],
    ['gradients of three images', shape, () => kernels.gradCamPlusPlusWeights(a, features([3, 3, 4, 5], 1), 'pgc')],
    ['an unknown form', option, () => kernels.gradientProduct(a, a, 'grad-cam' as never)],
    ['an unknown mode', option, () => kernels.gradCamPlusPlusWeights(a, a, 'tkv' as never)],
    ['a negative epsilon', option, () => kernels.xgradCamWeights(a, a, -1)],
    ['an unknown sign', option, () => kernels.principalComponent(a, { centre: true, sign: 'plus' as never })],
    [
      'gradients and weights',
      option,
      () => kernels.principalComponent(a, { centre: true, sign: 'none', gradients: a, weights: new Float32Array(6) }),
    ],
    ['an unknown kernel', option, () => kernels.kernelPca(a, { kernel: 'gauss' as never })],
    ['gamma NaN', option, () => kernels.kernelPca(a, { kernel: 'rbf', gamma: Number.NaN })],
    ['k infinite', option, () => kernels.femMap(a, Infinity)],
    ['maps of rank 4', shape, () => kernels.normalize({ ...a, dims: a.dims as never }, { kind: 'pgc' })],
    [
      'maps with too many elements',
      shape,
      () => kernels.normalize({ ...maps, data: new Float32Array(21) }, { kind: 'pgc' }),
    ],
    ['an unknown convention', option, () => kernels.normalize(maps, { kind: 'minmax' as never })],
    ['a width of 0', option, () => kernels.resize(maps, { width: 0, height: 3, interpolation: 'bilinear' })],
    ['a width of 2.5', option, () => kernels.resize(maps, { width: 2.5, height: 3, interpolation: 'bilinear' })],
    ['a size beyond memory', shape, () => kernels.resize(maps, { width: 2e9, height: 2e9, interpolation: 'nearest' })],
    [
      'an unknown interpolation',
      option,
      () => kernels.resize(maps, { width: 2, height: 3, interpolation: 'lanczos' as never }),
    ],
    [
      'pixels that are missing',
      shape,
      () => kernels.imageToTensor({ ...image, data: new Uint8Array(59) }, { mean: 0, std: 1 }),
    ],
    [
      'four channels',
      shape,
      () =>
        kernels.imageToTensor({ data: new Uint8Array(80), info: { ...image.info, channels: 4 } }, { mean: 0, std: 1 }),
    ],
    ['std 0', option, () => kernels.imageToTensor(image, { mean: 0, std: [1, 0, 1] })],
    ['two means', option, () => kernels.imageToTensor(image, { mean: [1, 2], std: 1 })],
    [
      'a window outside',
      option,
      () =>
        kernels.resizeAntialiased(image, {
          width: 4,
          height: 4,
          interpolation: 'bilinear',
          window: { x: 2, y: 0, width: 3, height: 4 },
        }),
    ],
    [
      'a window of nothing',
      option,
      () =>
        kernels.resizeAntialiased(image, {
          width: 4,
          height: 4,
          interpolation: 'bilinear',
          window: { x: 0, y: 0, width: 0, height: 4 },
        }),
    ],
    ['a table of 255 colours', shape, () => kernels.colorize(map, new Uint8Array(765))],
    ['a map of another size', shape, () => kernels.overlay(image, { ...map, width: 4, height: 5 }, table, 0.5)],
    ['alpha above 1', option, () => kernels.overlay(image, map, table, 1.5)],
  ];

  it.each(calls)('%s', async (_name, error, call) => {
    await expect(call()).rejects.toMatchObject(error);
  });

  it('also in native code, which trusts no size', async () => {
    const n = nativeKernels() as unknown as Record<string, (...args: unknown[]) => unknown>;
    const floats = new Float32Array(24);
    for (const [name, ...args] of [
      ['channelMeans', floats, 1, 5, 5],
      ['channelMeans', floats, 1, 4, -6],
      ['channelMeans', floats, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1],
      ['channelMeans', new Uint8Array(24), 1, 4, 6],
      ['channelMeans', [1, 2, 3], 1, 1, 3],
      ['channelMeans'],
      ['channelSum', 'product', 2, 2, 6, floats, 1, new Float32Array(4), 1, true],
      ['channelSum', 'product', 2, 2, 6, floats, 3, new Float32Array(4), 2, true],
      ['channelSum', 'quotient', 2, 2, 6, floats, 2, new Float32Array(4), 2, true],
      ['principalComponent', true, 'largest', 1, 4, 6, floats, 1, floats, 1, true],
      ['normalizeMaps', floats, 2, 13, 0, false],
      ['resizeMaps', floats, 1, 4, 6, 2 ** 31 - 1, 2 ** 31 - 1, 'nearest'],
      ['resampleImage', new Uint8Array(24), 4, 2, 3, 4, 2, 1, 0, 4, 2, 'nearest', false],
      ['imageToTensor', new Uint8Array(24), 6, 4, 1, 0, 0, 0, 1, 1, 1, false, true],
      ['colorizeMap', floats, 24, new Uint8Array(767)],
      ['overlayMap', new Uint8Array(72), floats, 24, table, Number.NaN, null],
      ['overlayMap', new Uint8Array(72), floats, 24, table, 1, new Uint8Array(71)],
    ] as const) {
      expect(() => n[name]!(...args), name).toThrow(/./);
    }
  });
});

describe('kernels take', () => {
  it('views that begin inside their buffer, and shared memory', async () => {
    const buffer = new SharedArrayBuffer(4 * (a.data.length + 7));
    const view = new Float32Array(buffer, 12, a.data.length);
    view.set(a.data);
    expectClose(await kernels.channelMeans({ data: view, dims: a.dims }), reference.channelMeans(a), 1e-6);
    const bytes = new Uint8Array(100).fill(9);
    const inner = { data: bytes.subarray(13, 73), info: image.info };
    bytes.set(
      Uint8Array.from({ length: 60 }, (_, i) => i),
      13,
    );
    expectClose(
      await kernels.imageToTensor(inner, { mean: 0, std: 1, scale: 1, layout: 'nhwc' }),
      [...bytes.subarray(13, 73)],
      0,
    );
  });

  it('[C, h, w] for one image', async () => {
    const one = features([3, 4, 5], 2);
    const { data, dims } = await kernels.weightedSum(one, Float32Array.of(1, 2, 3));
    expect(dims).toEqual([1, 4, 5]);
    expectClose(data, reference.weightedSum({ ...one, dims: [1, 3, 4, 5] }, Float32Array.of(1, 2, 3)).data, 1e-6);
  });

  it('volumes [N, C, D, h, w] as maps of D·h rows', async () => {
    const volume = features([2, 3, 4, 5, 6], 3);
    const { data, dims } = await kernels.gradientProduct(volume, features([2, 3, 1, 1, 1], 4), 'hirescam');
    expect(dims).toEqual([2, 20, 6]);
    const flat = { ...volume, dims: [2, 3, 20, 6] };
    expectClose(data, reference.gradientProduct(flat, features([2, 3, 1, 1], 4), 'hirescam').data, 1e-6);
  });

  it('resizable buffers, also when they shrink meanwhile', async () => {
    const size = 4 * 2048 * 28 * 28;
    const buffer = new Resizable(size, { maxByteLength: size });
    const data = new Float32Array(buffer).fill(1);
    const promise = kernels.channelMeans({ data, dims: [1, 2048, 28, 28] });
    buffer.resize(0);
    expect((await promise).every(value => value === 1)).toBe(true);
  });

  it('calls at the same time, small and large', async () => {
    const large = features([2, 256, 28, 28], 5);
    const expected = reference.channelMeans(large);
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, i) => kernels.channelMeans(i % 3 === 0 ? a : large)),
    );
    results.forEach((means, i) => {
      expectClose(means, i % 3 === 0 ? reference.channelMeans(a) : expected, 1e-6);
    });
  });
});
