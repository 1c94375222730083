import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import {
  contrast,
  negative,
  output,
  probability,
  type RegionInput,
  segmentation,
  type TargetInput,
} from '../../lib/targets/index.ts';
import { parseTargetText } from '../../lib/targets/parse.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, one, plainModel, positiveTensor } from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { expectDerivativeOfScore } from '../helpers/score-derivative.ts';

interface Golden {
  readonly dims: readonly number[];
  readonly input: readonly number[];
  readonly box: readonly [number, number, number, number];
  readonly cases: readonly {
    readonly classIndex: number;
    readonly region: 'predicted' | 'box';
    readonly method: string;
    readonly score: number;
    readonly map: readonly number[];
  }[];
}

const folder = new URL('../golden/segmentation/', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8'));
const open = explainerOpener();

const CLASSES = 5;

/**
 * A = ReLU(x), which is x itself for positive inputs; then 3×3 convolution → Tanh → 1×1 convolution to logits of 5
 * classes on 4×4 positions. Input [N,3,4,4].
 */
function transparentNet({ end = '', last = false, batch = 'N' as number | string, classes = CLASSES } = {}) {
  const logits = end || last ? 'z' : 'y';
  const classAxis = last ? 3 : 1;
  const shape = last ? [batch, 4, 4, classes] : [batch, classes, 4, 4];
  return buildModel({
    nodes: [
      makeNode('Relu', ['x'], ['a'], {}, { name: 'features' }),
      makeNode('Conv', ['a', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
      makeNode('Tanh', ['c'], ['t']),
      makeNode('Conv', ['t', 'v'], [logits]),
      ...(last ? [makeNode('Transpose', ['z'], [end ? 'zl' : 'y'], { perm: [0, 2, 3, 1] })] : []),
      ...(end === 'ArgMax' ? [makeNode('ArgMax', [last ? 'zl' : 'z'], ['y'], { axis: classAxis, keepdims: 0 })] : []),
      ...(end === 'Softmax' ? [makeNode('Softmax', [last ? 'zl' : 'z'], ['y'], { axis: classAxis })] : []),
      ...(end === 'Sigmoid' ? [makeNode('Sigmoid', [last ? 'zl' : 'z'], ['y'])] : []),
    ],
    inputs: [{ name: 'x', dims: [batch, 3, 4, 4] }],
    outputs: [end === 'ArgMax' ? { name: 'y', type: 'int64', dims: [batch, 4, 4] } : { name: 'y', dims: shape }],
    initializers: { w: noise([4, 3, 3, 3], 31, 0.6), v: noise([classes, 4, 1, 1], 32) },
  });
}

const image = positiveTensor([1, 3, 4, 4]);

const BOUNDS = { step: 1 / 512, least: 1e-2, absolute: 2e-4 };

describe('pytorch-grad-cam with SemanticSegmentationTarget', () => {
  for (const { classIndex, region, method, score, map } of golden.cases)
    it(`${method}, class ${classIndex}, region ${region}`, async () => {
      const cam = await open(new URL('net.onnx', folder));
      const layer = cam.layers().find(({ operator, shape }) => operator === 'Relu' && shape[1] === 12)!.name;
      const tensor = {
        type: 'float32',
        data: Float32Array.from(golden.input, value => value / 64),
        dims: golden.dims,
      } as const;
      const target = segmentation({ classIndex, region: region === 'box' ? { box: golden.box } : region });
      const result = one(await cam.explain(tensor, { method, target, layer, convention: 'pytorch-grad-cam' }));
      expect(result.target).toMatchObject({ index: classIndex, probability: null, kind: 'segmentation' });
      expect(result.target.score).toBeCloseTo(score, 3);
      expectClose(result.map.data, map, 1e-4);
    });
});

describe('gradients are those of the reported score', () => {
  const regions: [string, RegionInput | undefined][] = [
    ['predicted', undefined],
    ['a box', { box: [1, 0, 2, 3] }],
    ['a point', { point: [3, 2] }],
    ['a mask', { mask: Array.from({ length: 16 }, (_, i) => i % 3 === 0), width: 4, height: 4 }],
  ];
  const nets: [string, Parameters<typeof transparentNet>[0]][] = [
    ['logits [N,K,h,w]', {}],
    ['logits [N,h,w,K]', { last: true }],
    ['Sigmoid [N,h,w,K]', { end: 'Sigmoid', last: true }],
    ['Softmax', { end: 'Softmax' }],
    ['Softmax over the last axis', { end: 'Softmax', last: true }],
    ['ArgMax', { end: 'ArgMax' }],
    ['ArgMax over the last axis', { end: 'ArgMax', last: true }],
    ['Sigmoid', { end: 'Sigmoid' }],
    ['a single class', { end: 'Sigmoid', classes: 1 }],
    ['a batch fixed at 1', { batch: 1 }],
  ];
  for (const [what, options] of nets)
    for (const [name, region] of regions)
      it(`${what}, ${name}`, async () => {
        const cam = await open(transparentNet(options));
        const classIndex = options?.classes === 1 ? 0 : await predictedClass(cam);
        await expectDerivativeOfScore(cam, image, segmentation({ classIndex, region }), BOUNDS);
      });

  it('combined targets', async () => {
    const cam = await open(transparentNet());
    const classIndex = await predictedClass(cam);
    const region = { box: [0, 0, 3, 3] } as const;
    await expectDerivativeOfScore(cam, image, negative(segmentation({ classIndex })), BOUNDS);
    await expectDerivativeOfScore(
      cam,
      image,
      contrast(segmentation({ classIndex: 1, region }), segmentation({ classIndex: 3, region }), 0.5),
      BOUNDS,
    );
    await expectDerivativeOfScore(cam, image, output('y', segmentation({ classIndex: 2, region })), BOUNDS);
  });
});

/** A class that some position of the image belongs to. */
async function predictedClass(cam: Explainer): Promise<number> {
  for (let classIndex = 0; classIndex < CLASSES; classIndex++) {
    const target = segmentation({ classIndex });
    const { warnings } = one(await cam.explain(image, { method: 'activation-mean', target, layer: 'a' }));
    if (warnings.length === 0) return classIndex;
  }
  throw new Error('no class is predicted anywhere');
}

describe('segmentation', () => {
  it('chooses a layer before the scores, however they are resized or ordered', async () => {
    const cam = await open(new URL('net.onnx', folder));
    expect(cam.layers().find(({ chosen }) => chosen)).toMatchObject({ operator: 'Tanh', shape: [-1, 12, 5, 6] });
    expect(cam.layers().some(({ operator }) => operator === 'Resize')).toBe(false);
    const last = await open(transparentNet({ end: 'Softmax', last: true }));
    expect(last.layers().map(({ name }) => name)).toEqual(['a', 'c', 't']);
  });

  it('gives in a batch, by methods and by layers what each gives alone', async () => {
    const cam = await open(new URL('net.onnx', folder));
    const images = [1, 2, 3].map(seed => positiveTensor([1, 3, 20, 24], seed));
    const regions: RegionInput[] = ['predicted', { box: [0, 0, 9, 9] }, { box: [9, 9, 9, 9] }];
    for (const region of regions) {
      const target = segmentation({ classIndex: 1, region });
      const methods = ['grad-cam', 'grad-cam++', 'smooth-grad-cam++', 'score-cam', 'ablation-cam', 'eigen-cam'];
      const options = { methods, target, layer: 'stages', fuse: false } as const;
      const together = flat(await cam.explain(images, options));
      const alone = [];
      for (const single of images) alone.push(...flat(await cam.explain(single, options)));
      expect(together.length).toBe(alone.length);
      for (const [i, { map, target: explained }] of together.entries()) {
        expect(explained.score).toBeCloseTo(alone[i]!.target.score, 3);
        expectClose(map.data, alone[i]!.map.data, 2e-4);
      }
    }
  });

  it('works at any size, at opset 11 and with half-precision scores', async () => {
    const anySize = (end: readonly GraphNode[], opset: number) =>
      buildModel({
        nodes: [makeNode('Relu', ['x'], ['a']), makeNode('Conv', ['a', 'w'], ['c'], { pads: [1, 1, 1, 1] }), ...end],
        inputs: [{ name: 'x', dims: ['N', 3, 'H', 'W'] }],
        outputs: [{ name: 'y', dims: ['N', 4, 'H', 'W'], type: end.length > 1 ? 'float16' : 'float32' }],
        initializers: { w: noise([4, 3, 3, 3], 31, 0.6) },
        opset,
      });
    const plain = [makeNode('Tanh', ['c'], ['y'])];
    const half = [makeNode('Tanh', ['c'], ['t']), makeNode('Cast', ['t'], ['y'], { to: 10 })];
    const methods = ['grad-cam', 'hirescam', 'score-cam'] as const;
    const reference = await open(anySize(plain, 17));
    for (const model of [anySize(plain, 11), anySize(half, 17)]) {
      const cam = await open(model);
      for (const [width, height] of [
        [8, 8],
        [12, 6],
      ] as const)
        for (const region of ['predicted', { box: [1, 1, 4, 3] }] as const) {
          const picture = positiveTensor([1, 3, height, width], 5);
          const options = { methods, target: segmentation({ classIndex: 1, region }), layer: 'a' };
          const expected = flat(await reference.explain(picture, options));
          for (const [m, result] of flat(await cam.explain(picture, options)).entries()) {
            expect(result.target.score).toBeCloseTo(expected[m]!.target.score, 1);
            expectClose(result.map.data, expected[m]!.map.data, 1e-2);
            expect(result.status).toBe(expected[m]!.status);
          }
        }
    }
  });

  it('takes another region for each image of a batch', async () => {
    const cam = await open(transparentNet());
    const targets = [[0, 0] as const, [3, 3] as const, [0, 0] as const].map(point =>
      segmentation({ classIndex: 2, region: { point } }),
    );
    const results = flat(await cam.explain([image, image, image], { target: targets, layer: 'a' }));
    const alone = [one(await cam.explain(image, { target: targets[1]!, layer: 'a' }))];
    expect(results[0]!.target.score).not.toBeCloseTo(results[1]!.target.score, 3);
    expect(results[2]!.target.score).toBeCloseTo(results[0]!.target.score, 5);
    expectClose(results[1]!.map.data, alone[0]!.map.data, 1e-5);
  });

  it('is told apart from what CAM needs by `unsupported`', async () => {
    const cam = await open(transparentNet());
    const target = segmentation({ classIndex: 1, region: { box: [0, 0, 2, 2] } });
    const unsupported = cam.unsupported(['grad-cam', 'layer-cam', 'score-cam', 'cam'], { target, layer: 'a' });
    expect([...unsupported].map(([method, { code }]) => [method, code])).toEqual([['cam', 'ERR_METHOD_UNSUPPORTED']]);
  });

  it('sums over the region of the unchanged picture in every run of a score method', async () => {
    const cam = await open(transparentNet());
    const classIndex = await predictedClass(cam);
    const target = segmentation({ classIndex });
    // The region as a mask, found pixel by pixel: a point's score of the class is the largest there.
    const scoreAt = async (index: number, point: readonly [number, number]) =>
      one(
        await cam.explain(image, {
          method: 'activation-mean',
          target: segmentation({ classIndex: index, region: { point } }),
          layer: 'a',
        }),
      ).target.score;
    const mask: boolean[] = [];
    for (let p = 0; p < 16; p++) {
      const scores: number[] = [];
      for (let c = 0; c < CLASSES; c++) scores.push(await scoreAt(c, [p % 4, Math.floor(p / 4)]));
      mask.push(scores.indexOf(Math.max(...scores)) === classIndex);
    }
    const asMask = segmentation({ classIndex, region: { mask, width: 4, height: 4 } });
    for (const method of ['score-cam', 'ablation-cam', 'grad-cam']) {
      const predicted = one(await cam.explain(image, { method, target, layer: 'a' }));
      const given = one(await cam.explain(image, { method, target: asMask, layer: 'a' }));
      expect(predicted.target.score).toBeCloseTo(given.target.score, 5);
      expectClose(predicted.raw.data, given.raw.data, 1e-5);
    }
  });

  it('says when a class is predicted nowhere', async () => {
    const cam = await open(transparentNet({ classes: 1 }));
    const dark = { ...image, data: image.data.map(() => 0) };
    const result = one(await cam.explain(dark, { target: segmentation({ classIndex: 0 }), layer: 'a' }));
    expect(result.status).toBe('zero');
    expect(result.warnings.join()).toContain('predicted nowhere');
  });

  it('is what the command line calls segmentation:CLASS', () => {
    expect(parseTargetText('segmentation:12')).toEqual(segmentation({ classIndex: 12 }));
    expect(parseTargetText('output=aux:segmentation:3')).toEqual(output('aux', segmentation({ classIndex: 3 })));
    return expectError(() => parseTargetText('segmentation:cat'), 'ERR_OPTION_INVALID', "not 'cat'");
  });
});

describe('what cannot be', () => {
  it('a class of a segmentation output', async () => {
    const cam = await open(transparentNet());
    await expectError(() => cam.explain(image), 'ERR_MODEL_UNSUPPORTED', 'segmentation({ classIndex })');
    await expectError(() => cam.explain(image, { target: 2 }), 'ERR_MODEL_UNSUPPORTED', 'segmentation(');
    await expectError(() => cam.predict(image), 'ERR_MODEL_UNSUPPORTED', 'segmentation(');
  });

  it('a region of a classifier', async () => {
    const cam = await open(plainModel());
    const target = segmentation({ classIndex: 1 });
    await expectError(
      () => cam.explain(positiveTensor([1, 3, 16, 16]), { target }),
      'ERR_MODEL_UNSUPPORTED',
      'positions',
    );
  });

  it('a class, region or combination that the output does not have', async () => {
    const cam = await open(transparentNet());
    const explain = (target: TargetInput) => cam.explain(image, { target });
    const at = (region: RegionInput, classIndex = 1) => segmentation({ classIndex, region });
    await expectError(() => explain(segmentation({ classIndex: 5 })), 'ERR_TARGET_RANGE', '5 classes');
    await expectError(() => explain(at({ point: [4, 0] })), 'ERR_TARGET_RANGE', '4 × 4');
    await expectError(() => explain(at({ box: [-3, 0, 2, 2] })), 'ERR_TARGET_RANGE', '4 × 4');
    await expectError(() => explain(at({ mask: [1, 1], width: 2, height: 1 })), 'ERR_TARGET_RANGE', '2 × 1');
    await expectError(() => explain(probability(at('predicted'))), 'ERR_OPTION_INVALID', 'probability');
    await expectError(
      () => explain(contrast(at({ point: [0, 0] }), at({ point: [1, 0] }))),
      'ERR_OPTION_INVALID',
      'same region',
    );
  });

  it('a region that is none', async () => {
    const at = (region: unknown) => () => segmentation({ classIndex: 1, region: region as RegionInput });
    await expectError(at({ box: [0, 0, 0, 2] }), 'ERR_OPTION_INVALID', 'positive size');
    await expectError(at({ point: [0] }), 'ERR_OPTION_INVALID', 'region');
    await expectError(at('all'), 'ERR_OPTION_INVALID', 'region');
    await expectError(at({ mask: [0, 0], width: 2, height: 1 }), 'ERR_OPTION_INVALID', 'zero everywhere');
    await expectError(at({ mask: [1], width: 2, height: 1 }), 'ERR_OPTION_INVALID', 'holds 2 values');
  });
});
