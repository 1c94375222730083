/**
 * The perturbation loop of devices on ordinary memory (ONNX_CAM_DEVICE=host): binding, two batches under way, what fits into
 * memory. The kernels that a GPU runs in it are compared in test/native/cuda_kernels.cpp.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../../lib/index.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { MaskRequest } from '../../lib/scoring/mask-request.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { classTarget, ScoringModels } from '../helpers/scoring.ts';

const CLASSES = 4;
const TARGETS = [0, 2, 3].map(classTarget);
const DIMS = [1, 3, 18, 22];
const INPUT = { data: noise(DIMS, 11, 2).data, dims: DIMS };
const rule = { interpolation: 'bilinear', normalize: 'after', epsilon: 0 } as const;
const zeros = new Float32Array(INPUT.data.length);
const order = Uint32Array.from({ length: 18 * 22 }, (_, i) => (i * 79) % (18 * 22));
const pixels = Array.from({ length: 50 }, (_, i) => ({
  from: INPUT.data,
  to: zeros,
  order,
  begin: i % 3,
  end: 7 * i + 3,
}));
const maps = { data: noise([50, 4, 5], 3).data, dims: [50, 4, 5] as const };

const model = buildModel({
  nodes: [
    makeNode('Conv', ['x', 'w'], ['c'], { strides: [3, 4] }),
    makeNode('Relu', ['c'], ['r']),
    makeNode('GlobalAveragePool', ['r'], ['p']),
    makeNode('Flatten', ['p'], ['f'], { axis: 1 }),
    makeNode('Gemm', ['f', 'g'], ['y'], { transB: 1 }),
  ],
  inputs: [{ name: 'x', dims: ['N', 3, 'H', 'W'] }],
  outputs: [{ name: 'y', dims: ['N', CLASSES] }],
  initializers: { w: noise([5, 3, 5, 5], 1, 0.5), g: noise([CLASSES, 5], 2, 3) },
});
const open = () => ScoringModels.open(model, 'r', { size: [22, 18] });

/** Opens sessions on the device of ordinary memory, of so many bytes. */
async function openOnDevice(bytes?: number): Promise<ScoringModels> {
  process.env.ONNX_CAM_DEVICE = 'host';
  if (bytes !== undefined) process.env.ONNX_CAM_DEVICE_MEMORY = String(bytes);
  try {
    return await open();
  } finally {
    delete process.env.ONNX_CAM_DEVICE;
    delete process.env.ONNX_CAM_DEVICE_MEMORY;
  }
}

let cpu: ScoringModels;
let device: ScoringModels;
beforeAll(async () => {
  cpu = await open();
  device = await openOnDevice();
});
afterAll(() => Promise.all([cpu, device].map(models => models.dispose())));

describe('scores from a device', () => {
  it('is where the sessions are', () => {
    expect(device.session.onDevice).toBe(true);
    expect(cpu.session.onDevice).toBe(false);
  });

  const requests: [string, MaskRequest][] = [
    ['plain', { maps, rule, constant: 'score' }],
    ['factors', { maps, rule, constant: 'score', scales: [1, 0.5, 0.25] }],
    ['noise', { maps, rule, constant: 'score', noise: { target: 'mask', samples: 2, sigma: 0.3, seed: 4 } }],
    ['blurred background', { maps, rule, constant: 'score', background: 'blurred', view: 'probability' }],
  ];
  it.each(requests)('masks, %s', async (_, request) => {
    for (const batchSize of [1, 7, 64]) {
      const { scorer } = await device.image(INPUT, TARGETS, { batchSize });
      const { scorer: plain } = await cpu.image(INPUT, TARGETS);
      expectClose((await scorer.masks(request)).scores, (await plain.masks(request)).scores, 1e-5);
    }
  });

  it('exchanged pixels', async () => {
    const expected = await (await cpu.image(INPUT, TARGETS)).scorer.pixels(pixels);
    for (const batchSize of [1, 7, 64]) {
      const { scorer } = await device.image(INPUT, TARGETS, { batchSize });
      expectClose(await scorer.pixels(pixels), expected, 1e-5);
    }
  });

  it('changed activations', async () => {
    const { scorer } = await device.image(INPUT, TARGETS, { batchSize: 2 });
    const { scorer: plain } = await cpu.image(INPUT, TARGETS);
    const channels = Uint32Array.of(0, 1, 2, 3, 4);
    const requests = [
      { kind: 'channels', channels, values: Float32Array.of(0, 1, -1, 2, 0.5) },
      { kind: 'positions', gaussian: true },
    ] as const;
    for (const request of requests)
      expectClose(await scorer.tail(request), await plain.tail({ ...request, view: 'logit' }), 1e-5);
  });

  it('from several images at once', async () => {
    const all = await Promise.all([1, 2, 3].map(() => device.image(INPUT, TARGETS, { batchSize: 3 })));
    const scores = await Promise.all(all.map(({ scorer }) => scorer.masks({ maps, rule, constant: 'score' })));
    for (const { scores: own } of scores) expect(own).toEqual(scores[0]!.scores);
  });

  it('ends early when it is aborted, and works afterwards', async () => {
    const controller = new AbortController();
    const { scorer } = await device.image(INPUT, TARGETS, { batchSize: 1, signal: controller.signal });
    const many = { data: noise([40_000, 4, 5], 5).data, dims: [40_000, 4, 5] as const };
    const running = scorer.masks({ maps: many, rule, constant: 'score' });
    setTimeout(() => controller.abort(), 5);
    await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const { scorer: next } = await device.image(INPUT, TARGETS);
    expect((await next.masks({ maps, rule, constant: 'score' })).scores).toHaveLength(150);
  });
});

describe('a device whose memory is small', () => {
  const item = 4 * INPUT.data.length;

  it('gets halved batches, with a warning, and the same scores', async () => {
    // Room for two batches of 16 and their staging buffers, not for 32.
    const small = await openOnDevice(6 * 16 * item);
    const { scorer } = await small.image(INPUT, TARGETS, { provider: 'accelerator' });
    const { scorer: plain } = await cpu.image(INPUT, TARGETS);
    const request = { maps, rule, constant: 'score' } as const;
    expectClose((await scorer.masks(request)).scores, (await plain.masks(request)).scores, 1e-5);
    expect(scorer.warnings).toEqual(['batches of 128 did not fit into memory and were halved down to 12']);
    expect(scorer.runs.network).toBe(50);
    expectClose(await scorer.pixels(pixels), await plain.pixels(pixels), 1e-5);
    await small.dispose();
  });

  it('fails where not even one image fits', async () => {
    const tiny = await openOnDevice(item);
    const { scorer } = await tiny.image(INPUT, TARGETS);
    await expect(scorer.masks({ maps, rule, constant: 'score' })).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
    await tiny.dispose();
  });
});

it('gives whole methods the maps that the CPU gives', async () => {
  const image = { type: 'float32', ...INPUT } as const;
  const explain = async () => {
    const cam = await load(model);
    try {
      const options = {
        methods: ['score-cam', 'ablation-cam', 'recipro-cam', 'ss-cam', 'grad-cam'],
        layer: 'r',
        target: 2,
      };
      return await cam.explain(image, options);
    } finally {
      await cam.dispose();
    }
  };
  const expected = await explain();
  process.env.ONNX_CAM_DEVICE = 'host';
  try {
    const actual = await explain();
    for (const [i, { map, runs }] of actual.entries()) {
      expectClose(map.data, expected[i]!.map.data, 1e-5);
      expect(runs).toEqual(expected[i]!.runs);
    }
  } finally {
    delete process.env.ONNX_CAM_DEVICE;
  }
});
