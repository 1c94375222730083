/** Pixels exchanged between pictures: as the network gets them, against the plain twin, and what is refused. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { float32Tensor } from '../../lib/engine/tensor.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { nativeScoring } from '../../lib/scoring/native-scoring.ts';
import { createPictureScorer } from '../../lib/scoring/picture-scorer.ts';
import { distinctVariants, type PixelVariant } from '../../lib/scoring/pixel-variants.ts';
import { ScoreRow } from '../../lib/targets/score.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { classTarget, ScoringModels } from '../helpers/scoring.ts';

const [HEIGHT, WIDTH] = [17, 23];
const AREA = HEIGHT * WIDTH;

const model = (layout: 'nchw' | 'nhwc', batch: 'N' | 4) =>
  buildModel({
    nodes: [
      ...(layout === 'nhwc' ? [makeNode('Transpose', ['x'], ['n'], { perm: [0, 3, 1, 2] })] : []),
      makeNode('Conv', [layout === 'nhwc' ? 'n' : 'x', 'w'], ['c'], { strides: [3, 4] }),
      makeNode('Relu', ['c'], ['r']),
      makeNode('GlobalAveragePool', ['r'], ['p']),
      makeNode('Flatten', ['p'], ['f'], { axis: 1 }),
      makeNode('Gemm', ['f', 'g'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: layout === 'nhwc' ? [batch, HEIGHT, WIDTH, 3] : [batch, 3, HEIGHT, WIDTH] }],
    outputs: [{ name: 'y', dims: [batch, 4] }],
    initializers: { w: noise([5, 3, 5, 5], 1, 0.5), g: noise([4, 5], 2, 3) },
  });

const dimsOf = (layout: 'nchw' | 'nhwc') => (layout === 'nchw' ? [1, 3, HEIGHT, WIDTH] : [1, HEIGHT, WIDTH, 3]);
const image = (seed: number) => noise([3 * AREA], seed, 2).data;
const [x, black, blurred] = [image(11), new Float32Array(3 * AREA), image(12)];
/** A shuffle of all pixels, one that names some of them again and again, one pixel, none. */
const orders = [
  Uint32Array.from({ length: AREA }, (_, i) => (i * 7919) % AREA),
  Uint32Array.from({ length: 2 * AREA }, (_, i) => (i * i) % 97),
  Uint32Array.of(5),
  new Uint32Array(),
];

const opened = {} as Record<'nchw' | 'nhwc', ScoringModels>;
beforeAll(async () => {
  for (const layout of ['nchw', 'nhwc'] as const) opened[layout] = await ScoringModels.open(model(layout, 'N'), 'r');
});
afterAll(() => Promise.all(Object.values(opened).map(models => models.dispose())));

describe.each(['nchw', 'nhwc'] as const)('%s', layout => {
  const input = float32Tensor(x, dimsOf(layout));
  const targets = [0, 2, 3].map(classTarget);

  it('scores are those of the plain twin, for any images, orders and stretches', async () => {
    const reference = await opened[layout].reference(input, targets);
    const variant = fc
      .tuple(fc.nat(2), fc.option(fc.nat(2), { nil: undefined }), fc.nat(3), fc.nat(), fc.nat())
      .map(([from, to, number, a, b]): PixelVariant => {
        const images = [x, black, blurred];
        if (to === undefined) return { from: images[from]! };
        const order = orders[number]!;
        const [begin, end] = [a, b].map(bound => bound % (order.length + 1)).sort((low, high) => low - high);
        return { from: images[from]!, to: images[to]!, order, begin, end };
      });
    await fc.assert(
      fc.asyncProperty(fc.array(variant, { maxLength: 9 }), fc.boolean(), async (variants, asProbability) => {
        const { scorer } = await opened[layout].image(input, targets, { batchSize: 3 });
        const view = asProbability ? 'probability' : undefined;
        const scores = await scorer.pixels(variants, view);
        expectClose(scores, await reference.pixels(variants, view), 1e-5);
        expect(scorer.runs.network + scorer.runs.saved).toBe(variants.length);
      }),
      { numRuns: 60 },
    );
  });

  it('inputs are written exactly', async () => {
    const [order] = orders as [Uint32Array];
    const variants: PixelVariant[] = [
      { from: x },
      { from: x, to: black, order, begin: 0, end: 7 },
      { from: black, to: x, order, begin: 3, end: AREA },
      { from: x, to: blurred, order },
      { from: blurred, to: black, order: orders[1], begin: 10, end: 200 },
    ];
    const { group, ...given } = distinctVariants(variants, x.length);
    expect([...group]).toEqual([0, 1, 2, 3, 4]);
    const out = new Float32Array(5 * x.length);
    const shape = [3, HEIGHT, WIDTH];
    await nativeScoring().writeVariants({ kind: 'pixels', ...given, shape, channelsLast: layout === 'nhwc' }, out);
    const expected = variants.flatMap(({ from, to, order: pixels, begin, end }) => {
      const copy = from.slice();
      for (const pixel of pixels?.subarray(begin, end) ?? [])
        for (let c = 0; c < 3; c++) {
          const at = layout === 'nhwc' ? 3 * pixel + c : c * AREA + pixel;
          copy[at] = to![at]!;
        }
      return [...copy];
    });
    expect([...out]).toEqual(expected);
    expect(out.subarray(3 * x.length, 4 * x.length)).toEqual(blurred);
  });

  it('equal copies are run once, and so are all those that change nothing', async () => {
    const { scorer } = await opened[layout].image(input, targets);
    const [order] = orders as [Uint32Array];
    const scores = await scorer.pixels([
      { from: x, to: black, order, begin: 0, end: 9 },
      { from: x },
      { from: x, to: black, order, begin: 4, end: 4 },
      { from: x, to: x, order },
      { from: x, to: black, order, begin: 0, end: 9 },
      { from: x, to: black, order: order.slice(), begin: 0, end: 9 },
    ]);
    expect(scorer.runs).toEqual({ network: 3, tail: 0, saved: 3 });
    const row = (i: number) => [...scores.subarray(3 * i, 3 * i + 3)];
    for (const same of [2, 3]) expect(row(same)).toEqual(row(1));
    for (const same of [4, 5]) expect(row(same)).toEqual(row(0));
    expectClose(row(1), scorer.clean(), 1e-5);
  });

  it('a model of a fixed batch gives the same scores', async () => {
    const { scorer, row } = await opened[layout].image(input, targets);
    const [order] = orders as [Uint32Array];
    const variants = Array.from({ length: 11 }, (_, i): PixelVariant => ({ from: x, to: black, order, end: 30 * i }));
    const expected = await scorer.pixels(variants);
    const fixed = await Session.create(model(layout, 4), { intraOpNumThreads: 1 });
    try {
      const own = createPictureScorer({
        row,
        targets,
        provider: 'cpu',
        threads: 2,
        input: { ...input, layout },
        network: task => task({ session: fixed, input: 'x', output: 'y', batch: 4 }),
      });
      expectClose(await own.pixels(variants), expected, 1e-5);
    } finally {
      await fixed.dispose();
    }
  });
});

describe('refused are', () => {
  const scorerOf = async () => (await opened.nchw.image(float32Tensor(x, dimsOf('nchw')), [classTarget(0)])).scorer;
  const [order] = orders as [Uint32Array];
  const wrong: [string, PixelVariant, string][] = [
    ['an image of another size', { from: x.subarray(1) }, 'image of'],
    ['another image of another size', { from: x, to: new Float32Array(3), order }, 'image of 3'],
    ['another image without an order', { from: x, to: black }, 'order'],
    ['a stretch beyond the order', { from: x, to: black, order, begin: 0, end: AREA + 1 }, `${AREA + 1}`],
    ['a stretch that ends before it begins', { from: x, to: black, order, begin: 5, end: 4 }, '5 to 4'],
    ['a begin below zero', { from: x, to: black, order, begin: -1, end: 4 }, '-1'],
    ['half a pixel', { from: x, to: black, order, begin: 0, end: 4.5 }, '4.5'],
    ['a pixel beyond the picture', { from: x, to: black, order: Uint32Array.of(1, AREA) }, `pixel ${AREA}`],
  ];
  it.each(wrong)('%s', async (_, variant, says) => {
    const scorer = await scorerOf();
    await expectError(() => scorer.pixels([{ from: x }, variant]), 'ERR_INPUT_SHAPE', says);
  });

  it('items that name nothing, natively too', async () => {
    const given = { kind: 'pixels', images: [x, black], orders: [order], shape: [3, HEIGHT, WIDTH] } as const;
    const out = new Float32Array(x.length);
    for (const item of [
      [2, 0, 0, 0, 0],
      [0, 2, 0, 0, 1],
      [0, 1, 1, 0, 1],
      [0, 1, 0, 2, 1],
      [0, 1, 0, 0, AREA + 1],
      [0, 1, 0, 0, 4294967295],
    ])
      await expectError(
        () => nativeScoring().writeVariants({ ...given, items: Uint32Array.from(item), channelsLast: false }, out),
        'ERR_INPUT_SHAPE',
      );
  });

  it('volumes', async () => {
    const scorer = createPictureScorer({
      row: new ScoreRow(Float32Array.of(1, 2), 'softmax'),
      targets: [classTarget(0)],
      provider: 'cpu',
      threads: 1,
      input: { data: new Float32Array(24), dims: [1, 3, 2, 2, 2], layout: 'nchw' },
      network: () => Promise.reject(new Error('nothing is run')),
    });
    await expectError(() => scorer.pixels([]), 'ERR_METHOD_UNSUPPORTED', 'pictures');
  });
});
