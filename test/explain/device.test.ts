/** Feature maps that stay on a device, here on that of ordinary memory (ONNX_CAM_DEVICE=host). */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DeviceTensor, nativeDevice } from '../../lib/engine/device-tensor.ts';
import { Session } from '../../lib/engine/session.ts';
import { float32Tensor } from '../../lib/engine/tensor.ts';
import { type Explainer, type Explanation, load } from '../../lib/index.ts';
import { channelMeans, gradientProduct, principalComponent, weightedSum } from '../../lib/kernels/index.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, plainModel } from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';

/** Methods whose tensors stay on the device. */
const METHODS = [
  ...['grad-cam', 'grad-cam++', 'xgrad-cam', 'hirescam', 'layer-cam', 'grad-cam-elementwise', 'eigen-cam'],
  'eigen-grad-cam',
];
/** Methods that need theirs in the CPU's memory. */
const OTHERS = ['kpca-cam', 'fem', 'dff', 'smooth-grad-cam++', 'activation-mean', 'score-cam', 'fullgrad', 'grad-cam'];
const images = [1, 2, 3].map(seed => noiseImage([1, 3, 16, 16], seed));
const all = { methods: METHODS, target: [0, 1, 2], batchSize: 3 };

let cpu: Explainer;
let expected: Explanation[];
beforeAll(async () => {
  cpu = await load(plainModel());
  expected = flat(await cpu.explain(images, all));
  process.env.ONNX_CAM_DEVICE = 'host';
});
afterAll(async () => {
  delete process.env.ONNX_CAM_DEVICE;
  await cpu.dispose();
});

describe('explaining with feature maps on a device', () => {
  it.each([['paper'], ['pytorch-grad-cam'], ['torchcam']] as const)('gives the same maps, %s', async convention => {
    delete process.env.ONNX_CAM_DEVICE;
    const own = convention === 'paper' ? expected : flat(await cpu.explain(images, { ...all, convention }));
    process.env.ONNX_CAM_DEVICE = 'host';
    const reduce = vi.spyOn(nativeDevice(), 'reduceKept');
    const read = vi.spyOn(nativeDevice(), 'readKept');
    const cam = await load(plainModel());
    const results = flat(await cam.explain(images, { ...all, convention }));
    expect(read).not.toHaveBeenCalled();
    for (const [i, { map, raw, status }] of results.entries()) {
      expect(status).toBe(own[i]!.status);
      expect(map.data).toEqual(own[i]!.map.data);
      expect(raw.data).toEqual(own[i]!.raw.data);
    }
    const kinds = new Set(reduce.mock.calls.map(([{ kind }]) => kind));
    for (const kind of ['means', 'sum-product', 'sum-positive-product', 'sum-positive-gradient', 'xgrad'])
      expect(kinds).toContain(kind);
    expect([...kinds].some(kind => kind.startsWith('component-'))).toBe(true);
    vi.restoreAllMocks();
    await cam.dispose();
  });

  it('with several targets of one image, and eigen-smoothing', async () => {
    const cam = await load(plainModel());
    for (const eigenSmooth of [false, true]) {
      const options = { methods: ['grad-cam', 'layer-cam', 'hirescam'], target: 'top3', params: { eigenSmooth } };
      const own = flat(await cpu.explain(images[0]!, options));
      const results = flat(await cam.explain(images[0]!, options));
      expect(results).toHaveLength(9);
      for (const [i, { map }] of results.entries()) expect(map.data).toEqual(own[i]!.map.data);
    }
    await cam.dispose();
  });

  it('is not done for methods that would have to copy them back', async () => {
    const reduce = vi.spyOn(nativeDevice(), 'reduceKept');
    const read = vi.spyOn(nativeDevice(), 'readKept');
    const options = { methods: OTHERS, target: 1 };
    const cam = await load(plainModel());
    const own = flat(await cpu.explain(images[0]!, options));
    for (const [i, { map }] of flat(await cam.explain(images[0]!, options)).entries())
      expect(map.data).toEqual(own[i]!.map.data);
    expect(reduce).not.toHaveBeenCalled();
    expect(read).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    await cam.dispose();
  });

  it('gives their memory back, after a failure too', async () => {
    const cam = await load(plainModel());
    const release = vi.spyOn(nativeDevice(), 'releaseKept');
    await cam.explain(images[0]!, { target: 1 });
    // Activations and gradients.
    expect(release).toHaveBeenCalledTimes(2);
    vi.spyOn(nativeDevice(), 'reduceKept').mockRejectedValue(new Error('a failing kernel'));
    await expect(cam.explain(images[0]!, { target: 1 })).rejects.toThrow('a failing kernel');
    expect(release).toHaveBeenCalledTimes(4);
    vi.restoreAllMocks();
    await cam.dispose();
  });
});

describe('a failure after the run', () => {
  const { reduceKept } = nativeDevice();
  const cases: [string, (controller: AbortController) => typeof reduceKept][] = [
    ['of a reduction', () => () => Promise.reject(new Error('on purpose'))],
    [
      'by an abort',
      controller =>
        (...args) => {
          controller.abort();
          return reduceKept(...args);
        },
    ],
  ];
  it.each(cases)('%s releases what lies on the device', async (_, failing) => {
    const cam = await load(plainModel());
    const controller = new AbortController();
    const kept = vi.spyOn(nativeDevice(), 'runKept');
    const released = vi.spyOn(nativeDevice(), 'releaseKept');
    vi.spyOn(nativeDevice(), 'reduceKept').mockImplementation(failing(controller));
    const options = { methods: ['xgrad-cam', 'eigen-cam'], target: 1, signal: controller.signal };
    await expect(cam.explain(images[0]!, options)).rejects.toThrow(/on purpose|aborted/);
    const tensors = (await Promise.all(kept.mock.results.map(({ value }) => value))).flat();
    const handles = tensors.flatMap(tensor => ('handle' in tensor ? [tensor.handle] : []));
    expect(handles.length).toBeGreaterThan(0);
    expect(new Set(released.mock.calls.map(([handle]) => handle))).toEqual(new Set(handles));
    vi.restoreAllMocks();
    await cam.dispose();
  });
});

describe('a tensor on a device', () => {
  const model = buildModel({
    nodes: [makeNode('Relu', ['x'], ['y']), makeNode('Neg', ['x'], ['z'])],
    inputs: [{ name: 'x', dims: ['N', 4, 3, 5] }],
    outputs: [
      { name: 'y', dims: ['N', 4, 3, 5] },
      { name: 'z', dims: ['N', 4, 3, 5] },
    ],
  });
  const x = float32Tensor(noise([2, 4, 3, 5], 1, 2).data, [2, 4, 3, 5]);

  it('is reduced there, read on demand, and released', async () => {
    const session = await Session.create(model);
    expect(session.onDevice).toBe(true);
    const { y, z } = await session.runKept({ x }, ['y', 'z'], new Set(['y']));
    expect(y).toBeInstanceOf(DeviceTensor);
    expect(z).not.toBeInstanceOf(DeviceTensor);
    expect(z!.data).toEqual(x.data.map(value => -value));
    const there = y as DeviceTensor;
    const here = { data: x.data.map(value => Math.max(value, 0)), dims: [2, 4, 3, 5] };
    const weights = noise([8], 3).data;
    expect(await channelMeans(there)).toEqual(await channelMeans(here));
    expect((await weightedSum(there, weights)).data).toEqual((await weightedSum(here, weights)).data);
    expect((await gradientProduct(there, there, 'hirescam')).data).toEqual(
      (await gradientProduct(here, here, 'hirescam')).data,
    );
    for (const options of [{}, { weights }, { gradients: there }]) {
      const own = 'gradients' in options ? { gradients: here } : options;
      expect((await principalComponent(there, { centre: true, sign: 'activation', ...options })).data).toEqual(
        (await principalComponent(here, { centre: true, sign: 'activation', ...own })).data,
      );
    }
    // Gradients in the CPU's memory: so are the activations then.
    expect((await gradientProduct(there, here, 'layercam')).data).toEqual(
      (await gradientProduct(here, here, 'layercam')).data,
    );
    expect(there.data).toEqual(here.data);
    there.release();
    expect(there.data).toEqual(here.data);
    await expect(channelMeans(there)).rejects.toThrow('released');
    await session.dispose();
  });

  it('outlives its session', async () => {
    const session = await Session.create(model);
    const { y } = await session.runKept({ x }, ['y'], new Set(['y']));
    await session.dispose();
    expect(await (y as DeviceTensor).read()).toEqual(x.data.map(value => Math.max(value, 0)));
  });

  it('answers a size that no memory holds with an error of its own', async () => {
    const session = await Session.create(model);
    const { y } = await session.runKept({ x }, ['y'], new Set(['y']));
    const activations = (y as DeviceTensor).handle;
    const none = { factors: null, factorImages: 1, lazy: true, epsilon: 0, guard: false, centre: false };
    const shape = [2 ** 31 - 1, 2 ** 31 - 1, 1] as const;
    await expectError(
      async () => nativeDevice().reduceKept({ kind: 'means', shape, activations, activationImages: 1, ...none }),
      'ERR_OUT_OF_MEMORY',
    );
    await session.dispose();
  });

  it('is read off the event loop, and once', async () => {
    const session = await Session.create(model);
    const { y } = await session.runKept({ x }, ['y'], new Set(['y']));
    const there = y as DeviceTensor;
    expect(() => there.data).toThrow('must be read before');
    const read = vi.spyOn(nativeDevice(), 'readKept');
    const [first, second] = await Promise.all([there.read(), there.read()]);
    expect(read).toHaveBeenCalledTimes(1);
    expect(read.mock.results[0]!.value).toBeInstanceOf(Promise);
    expect(second).toBe(first);
    expect(there.data).toBe(first);
    vi.restoreAllMocks();
    await session.dispose();
  });
});
