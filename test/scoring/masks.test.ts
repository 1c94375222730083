/** The native loops against their plain twins. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32Tensor } from '../../lib/engine/tensor.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { MaskRequest, MaskRule } from '../../lib/scoring/mask-request.ts';
import { nativeScoring } from '../../lib/scoring/native-scoring.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { classTarget, type Scorer, ScoringModels } from '../helpers/scoring.ts';

const CLASSES = 4;
const TARGETS = [0, 2, 3];

/** Fully convolutional, any size: Conv, Relu (the layer "r", [N, 5, …]), pooling, Gemm; the masked image shows in every logit. */
const model = (layout: 'nchw' | 'nhwc') =>
  buildModel({
    nodes: [
      ...(layout === 'nhwc' ? [makeNode('Transpose', ['x'], ['n'], { perm: [0, 3, 1, 2] })] : []),
      makeNode('Conv', [layout === 'nhwc' ? 'n' : 'x', 'w'], ['c'], { strides: [3, 4] }),
      makeNode('Relu', ['c'], ['r']),
      makeNode('GlobalAveragePool', ['r'], ['p']),
      makeNode('Flatten', ['p'], ['f'], { axis: 1 }),
      makeNode('Gemm', ['f', 'g'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: layout === 'nhwc' ? ['N', 'H', 'W', 3] : ['N', 3, 'H', 'W'] }],
    outputs: [{ name: 'y', dims: ['N', CLASSES] }],
    initializers: { w: noise([5, 3, 5, 5], 1, 0.5), g: noise([CLASSES, 5], 2, 3) },
  });

const SIZES = [
  [17, 23],
  [16, 40],
  [31, 9],
] as const;
const opened = {} as Record<'nchw' | 'nhwc', ScoringModels>;
beforeAll(async () => {
  for (const layout of ['nchw', 'nhwc'] as const)
    opened[layout] = await ScoringModels.open(model(layout), 'r', { size: [23, 17] });
});
afterAll(() => Promise.all(Object.values(opened).map(models => models.dispose())));

async function both(layout: 'nchw' | 'nhwc', [height, width]: readonly [number, number]) {
  const dims = layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3];
  const input = float32Tensor(noise(dims, 11, 2).data, dims);
  const targets = TARGETS.map(classTarget);
  const { scorer } = await opened[layout].image(input, targets, { batchSize: 3 });
  return { scorer, reference: await opened[layout].reference(input, targets) };
}

/** Seven maps: noise, a copy of it with another scale, constants, one cell, and one of values far from 0. */
function mapsOf(height: number, width: number) {
  const area = height * width;
  const data = new Float32Array(7 * area);
  const first = noise([area], 3).data;
  data.set(first, 0);
  data.set(
    first.map(value => 4 * value),
    area,
  );
  data.fill(4, 3 * area, 4 * area);
  data[4 * area + (area >> 1)] = 0.25;
  data.set(
    noise([area], 5).data.map(value => 1000 + value),
    5 * area,
  );
  data.set(noise([area], 6).data, 6 * area);
  return { data, dims: [7, height, width] as const };
}

const compare = async (
  { scorer, reference }: { scorer: Scorer; reference: Scorer },
  request: MaskRequest,
  tolerance = 1e-5,
) => {
  const [native, plain] = [await scorer.masks(request), await reference.masks(request)];
  expectClose(native.scores, plain.scores, tolerance);
  expect([...native.constant]).toEqual([...plain.constant]);
};

describe.each(['nchw', 'nhwc'] as const)('%s', layout => {
  describe.each(SIZES)('%i × %i', (...size) => {
    const rules = (['bilinear', 'align-corners'] as const).flatMap(interpolation =>
      (['before', 'after', 'none'] as const).flatMap(normalize =>
        [false, true].map((complement): MaskRule => ({ interpolation, normalize, epsilon: 1e-8, complement })),
      ),
    );
    it.each(rules)('$interpolation, stretched $normalize, complement $complement', async rule => {
      const pair = await both(layout, size);
      for (const [height, width] of [
        [3, 4],
        [1, 5],
        [7, 2],
        [20, 45],
      ] as const) {
        const maps = mapsOf(height, width);
        // Masks of values around 1000 are not stretched: their rounding alone is larger than the tolerance.
        const select = rule.normalize === 'none' ? Uint32Array.of(0, 1, 3, 4, 6) : undefined;
        await compare(pair, { maps, select, rule, constant: 'score' });
        await compare(pair, { maps, select, rule, constant: 'skip' });
      }
    });

    it('factors, noise on the mask and on the image, blurred background', async () => {
      const pair = await both(layout, size);
      const maps = mapsOf(3, 4);
      const rule: MaskRule = { interpolation: 'bilinear', normalize: 'before', epsilon: 1e-8 };
      await compare(pair, { maps, rule, constant: 'score', scales: [0.1, 0.5, 1] });
      for (const target of ['mask', 'input'] as const)
        await compare(pair, { maps, rule, constant: 'score', noise: { target, samples: 3, sigma: 0.5, seed: 9 } });
      await compare(pair, { maps, rule, constant: 'score', background: 'blurred' });
      expectClose(await pair.scorer.baseline('blurred'), await pair.reference.baseline('blurred'), 1e-5);
      expectClose(
        await pair.scorer.baseline('zero', 'probability'),
        await pair.reference.baseline('zero', 'probability'),
        1e-5,
      );
    });
  });
});

describe('the tail', () => {
  it.each(['logit', 'probability', 'logProbability', 'rest'] as const)('%s of changed activations', async view => {
    const { scorer, reference } = await both('nchw', [17, 23]);
    const requests = [
      {
        kind: 'channels',
        channels: Uint32Array.of(4, 0, 2, 2, 1, 3, 0),
        values: Float32Array.of(0, 0, 0, -1, 1, 2, 3),
      },
      { kind: 'sets', sets: Uint8Array.of(1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0) },
      { kind: 'positions', gaussian: false },
      { kind: 'positions', gaussian: true },
      { kind: 'neighbourhoods' },
    ] as const;
    for (const request of requests)
      expectClose(await scorer.tail({ ...request, view }), await reference.tail({ ...request, view }), 1e-5);
    expectClose(scorer.clean(view), reference.clean(view), 1e-9);
  });
});

describe('runs', () => {
  const rule: MaskRule = { interpolation: 'bilinear', normalize: 'after', epsilon: 0 };

  it('makes each mask once and says what that saved', async () => {
    const { scorer } = await both('nchw', [17, 23]);
    const maps = mapsOf(3, 4);
    const merged = await scorer.masks({ maps, rule, constant: 'score' });
    // Of seven maps the second is the first's multiple and the third and fourth are constant.
    expect(scorer.runs).toEqual({ network: 5, tail: 0, saved: 2 });
    const all = await scorer.masks({ maps, rule, constant: 'score', dedupe: false });
    expect(scorer.runs).toEqual({ network: 12, tail: 0, saved: 2 });
    expectClose(merged.scores, all.scores, 1e-5);
    const skipped = await scorer.masks({ maps, rule, constant: 'skip' });
    expect(scorer.runs).toEqual({ network: 16, tail: 0, saved: 5 });
    expect([...skipped.scores.subarray(6, 12)]).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...skipped.constant]).toEqual([0, 0, 1, 1, 0, 0, 0]);
  });

  it('batches of any size give what single runs give', async () => {
    const dims = [1, 3, 17, 23];
    const input = float32Tensor(noise(dims, 11, 2).data, dims);
    const maps = { data: noise([37 * 12], 8).data, dims: [37, 3, 4] as const };
    const scores = async (batchSize: number | undefined, threads: number) => {
      const { scorer } = await opened.nchw.image(input, TARGETS.map(classTarget), { batchSize, threads });
      return (await scorer.masks({ maps, rule, constant: 'score' })).scores;
    };
    const single = await scores(1, 1);
    for (const [batchSize, threads] of [
      [2, 1],
      [5, 2],
      [16, 3],
      [64, 2],
      [undefined, 2],
    ] as const)
      expectClose(await scores(batchSize, threads), single, 1e-5);
  });
});

describe('noise', () => {
  const SAMPLES = 40;
  const size = [31, 27] as const;
  /** What reaches the model where the mask is 0 (noise on the mask) or 1 (noise on the image) and the image is 1. */
  const written = async (target: 1 | 2, seed: number) => {
    const shape = [3, ...size];
    const floats = 3 * size[0] * size[1];
    const out = new Float32Array(SAMPLES * floats);
    await nativeScoring().writeVariants(
      {
        kind: 'masks',
        maps: Float32Array.of(target - 1),
        dims: [1, 1, 1],
        select: Uint32Array.of(0),
        canvas: size,
        grid: 0,
        rule: { stretch: 0, epsilon: 0, complement: false },
        image: new Float32Array(floats).fill(1),
        background: null,
        shape,
        channelsLast: false,
        scales: new Float32Array(SAMPLES).fill(1),
        noise: { target, deviation: 0.7, seed },
        noiseKeys: Uint32Array.of(17),
        offsets: new Uint32Array(),
      },
      out,
    );
    return out.map(value => value - (target - 1));
  };

  it.each([1, 2] as const)(
    'is normal, of the deviation asked for, and different in every sample (target %i)',
    async target => {
      const values = await written(target, 4);
      // A mask's noise is the same in the three colour planes.
      const count = target === 1 ? values.length / 3 : values.length;
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      const fourth = values.reduce((sum, value) => sum + (value - mean) ** 4, 0) / values.length;
      expect(Math.abs(mean)).toBeLessThan((5 * 0.7) / Math.sqrt(count));
      expect(Math.abs(Math.sqrt(variance) / 0.7 - 1)).toBeLessThan(5 / Math.sqrt(2 * count));
      expect(Math.abs(fourth / variance ** 2 - 3)).toBeLessThan((5 * Math.sqrt(96)) / Math.sqrt(count));
      const size = values.length / SAMPLES;
      expect(values.subarray(0, size)).not.toEqual(values.subarray(size, 2 * size));
    },
  );

  it('repeats with its seed', async () => {
    expect(await written(1, 4)).toEqual(await written(1, 4));
    expect(await written(1, 4)).not.toEqual(await written(1, 5));
  });
});
