/** What is measured of targets that are no class among others, or is refused. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import {
  contrast,
  detection,
  negative,
  regression,
  segmentation,
  similarity,
  type TargetInput,
} from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { mapOf } from '../helpers/map-of.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const SIDE = 16;
const x = noiseImage([1, 3, SIDE, SIDE]);
const filled = (of: (index: number) => number, width = SIDE, height = SIDE) => mapOf(of, width, height);
const slope = filled(i => i / 255);

let cam: Explainer;
beforeAll(async () => {
  cam = await open(plainModel());
});

describe('targets', () => {
  const scoring = [
    'average-drop',
    'average-gain',
    'deletion',
    'insertion',
    'road',
    'infidelity',
    'adcc',
    'max-sensitivity',
  ];
  const check = async (explainer: Explainer, target: TargetInput, metrics: string[] = scoring, input = x) => {
    const map = one(await explainer.explain(input, { target, mapSize: 'input' }));
    const [, , height, width] = input.dims as number[];
    const measured = await explainer.measure(input, {
      map: filled(i => (i % 7) / 7, width, height),
      method: 'grad-cam',
      target,
      metrics,
    });
    for (const { value, reason, metric } of Object.values(measured))
      if (value === null) expect(reason, metric).toMatch(/\w/);
      else expect(Number.isFinite(value), metric).toBe(true);
    return { measured, score: map.target.score };
  };

  it('one class: its own score or the sigmoid, no other class', async () => {
    for (const end of [undefined, 'Sigmoid'] as const) {
      const { measured } = await check(await open(plainModel({ classes: 1, end })), 0, [...scoring, 'random-logit']);
      expect(measured['random-logit']!.value).toBeNull();
      expect(measured.deletion!.value).not.toBeNull();
    }
  });

  it('regression: its own score, no gain', async () => {
    const { measured, score } = await check(cam, regression(1));
    expect(measured.deletion!.curve!.y[0]).toBeCloseTo(score, 4);
    expect(measured['average-gain']!.value).toBeNull();
    expect(measured.deletion!.score).toBe('probability');
  });

  it('differences and negatives are scored as they are', async () => {
    for (const target of [contrast(0, 1), negative(2)]) {
      const { measured, score } = await check(cam, target);
      expect(measured.deletion!.curve!.y[0]).toBeCloseTo(score, 4);
      expect(measured['average-gain']!.value).toBeNull();
    }
  });

  it('embeddings by similarity', async () => {
    const target = similarity([0.5, -1, 2, 0.25, 1]);
    const { measured, score } = await check(cam, target);
    expect(measured.insertion!.curve!.y.at(-1)).toBeCloseTo(score, 4);
    expect(measured['average-gain']!.value).toBeNull();
  });

  it('positions of a segmentation', async () => {
    const { nodes, initializers, inputs } = plainSpec({ convolutional: true });
    const dense = await open(
      buildModel({
        nodes: nodes
          .filter(({ op }) => op !== 'GlobalAveragePool')
          .map(node => (node.outputs[0] === 'y' ? { ...node, inputs: ['r2', 'wc'] } : node)),
        initializers,
        inputs,
        outputs: [{ name: 'y', dims: ['N', 5, 4, 4] }],
      }),
    );
    const { measured, score } = await check(dense, segmentation({ classIndex: 1 }));
    expect(measured.deletion!.curve!.y[0]).toBeCloseTo(score, 3);
    const own = one(await dense.explain(x, { target: segmentation({ classIndex: 1 }) }));
    await expectError(() => dense.measure(x, { map: own, metrics: ['entropy'] }), 'ERR_OPTION_INVALID', '`target`');
  });

  it.each(['yolov8', 'yolov5', 'ssd', 'detr'])('boxes of a detector: %s', async layout => {
    const detector = await open(new URL(`../golden/detection/${layout}.onnx`, import.meta.url));
    const input = noiseImage([1, 3, 48, 48]);
    const { measured, score } = await check(detector, detection({ classIndex: 1 }), scoring, input);
    expect(measured.deletion!.curve!.y[0]).toBeCloseTo(score, 3);
    const boxed = detection({ classIndex: 0, box: [8, 8, 30, 30] });
    const { measured: near, score: own } = await check(detector, boxed, scoring, input);
    expect(near.insertion!.curve!.y.at(-1)).toBeCloseTo(own, 3);
    for await (const row of detector.evaluate([input], { metrics: ['deletion', 'average-drop'] }))
      expect(row).toMatchObject({ value: expect.any(Number), class: expect.any(Number) });
  });

  it('several classes at once, several pictures at once are refused', async () => {
    const measuring = (input: typeof x, target: TargetInput) =>
      cam.measure(input, { map: slope, target, metrics: ['drop'] });
    await expectError(() => measuring(x, { kind: 'top', k: 3 } as never), 'ERR_OPTION_INVALID', 'one class');
    await expectError(() => measuring(noiseImage([2, 3, SIDE, SIDE]), 0), 'ERR_INPUT_SHAPE', 'one image');
  });
});
