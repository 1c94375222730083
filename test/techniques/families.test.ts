/** Every technique on every kind of model: a sound map where the picture is, or the refusal that the documentation names. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Explanation, LoadOptions } from '../../lib/index.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { detection, regression, segmentation, similarity, type TargetInput } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, plainModel } from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { cheapTechniques, segmenter } from '../helpers/technique-networks.ts';

const open = explainerOpener();

interface Family {
  readonly model: () => Uint8Array;
  readonly options?: LoadOptions;
  readonly dims: readonly number[];
  readonly target?: TargetInput;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  /** The model takes one size. */
  readonly fixed?: boolean;
  /** The target names a place. */
  readonly place?: boolean;
  /** Its layer has as many cells as the input has pixels, so that crops by its stride are too many to be tried here. */
  readonly fine?: boolean;
  /** Inputs from 0 to 255. */
  readonly whole?: boolean;
}

const attention = (name: string) => () =>
  gunzipSync(readFileSync(new URL(`../golden/attention/${name}.onnx.gz`, import.meta.url)));
const detector = (name: string) => () => readFileSync(new URL(`../golden/detection/${name}.onnx`, import.meta.url));

const channelsLast = () =>
  buildModel({
    nodes: [
      makeNode('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] }),
      makeNode('Conv', ['t', 'w'], ['c'], { pads: [1, 1, 1, 1], strides: [4, 4] }),
      makeNode('Relu', ['c'], ['a']),
      makeNode('GlobalAveragePool', ['a'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 'H', 'W', 3] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w: noise([6, 3, 3, 3], 5, 0.5), wf: noise([5, 6], 6) },
  });

/** Tokens [N, h·w, C] between a patch convolution and their mean, as hierarchical transformers have them. */
const tokens = () =>
  buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { strides: [4, 4] }),
      makeNode('Transpose', ['c'], ['t'], { perm: [0, 2, 3, 1] }),
      makeNode('MatMul', ['t', 'm'], ['u']),
      makeNode('Relu', ['u'], ['a'], {}, { name: 'stage' }),
      makeNode('ReduceMean', ['a'], ['p'], { axes: [1, 2], keepdims: 0 }),
      makeNode('MatMul', ['p', 'head'], ['y']),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 'H', 'W'] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w: noise([6, 3, 4, 4], 5, 0.5), m: noise([6, 6], 8), head: noise([6, 5], 6) },
  });

/** Bytes, which the network makes floats of itself. */
const bytes = () =>
  buildModel({
    nodes: [
      makeNode('Cast', ['x'], ['f'], { to: 1 }),
      makeNode('Div', ['f', 'by'], ['d']),
      makeNode('Conv', ['d', 'w'], ['c'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
      makeNode('Relu', ['c'], ['a']),
      makeNode('GlobalAveragePool', ['a'], ['p']),
      makeNode('Flatten', ['p'], ['g']),
      makeNode('Gemm', ['g', 'wf'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 'H', 'W'], type: 'uint8' }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { by: { dims: [], data: [255] }, w: noise([6, 3, 3, 3], 5, 0.5), wf: noise([5, 6], 6) },
  });

const embedding = similarity(Float32Array.of(1, -2, 0.5, 1, 3));
const FAMILIES: Readonly<Record<string, Family>> = {
  'a CNN of any size': { model: () => plainModel({ size: ['H', 'W'] }), dims: [1, 3, 24, 32] },
  'a CNN of one size': { model: () => plainModel({ size: [16, 16] }), dims: [1, 3, 16, 16], fixed: true },
  'a CNN of one size that is not square': {
    model: () => plainModel({ size: [16, 24] }),
    dims: [1, 3, 16, 24],
    fixed: true,
  },
  'a fixed batch': { model: () => plainModel({ batch: 2, size: ['H', 'W'] }), dims: [2, 3, 16, 16] },
  'channels last': { model: channelsLast, dims: [1, 16, 24, 3] },
  'grey pictures': { model: () => plainModel({ channels: 1, size: ['H', 'W'] }), dims: [1, 1, 16, 16] },
  sigmoids: { model: () => plainModel({ end: 'Sigmoid', size: ['H', 'W'] }), dims: [1, 3, 16, 16], target: 3 },
  'a binary head': { model: () => plainModel({ classes: 1, size: ['H', 'W'] }), dims: [1, 3, 16, 16], target: 0 },
  'a regression': { model: () => plainModel({ size: ['H', 'W'] }), dims: [1, 3, 16, 16], target: regression(2) },
  embeddings: { model: () => plainModel({ size: ['H', 'W'] }), dims: [1, 3, 16, 16], target: embedding },
  segmentation: { model: () => segmenter(3), dims: [1, 3, 16, 24], target: segmentation({ classIndex: 1 }) },
  'segmentation of a region': {
    model: () => segmenter(3),
    dims: [1, 3, 16, 24],
    target: segmentation({ classIndex: 1, region: { box: [2, 1, 5, 4] } }),
    place: true,
  },
  'segmentation at a point': {
    model: () => segmenter(3),
    dims: [1, 3, 16, 24],
    target: segmentation({ classIndex: 1, region: { point: [4, 3] } }),
    place: true,
  },
  'a detector': { model: detector('yolov8'), dims: [1, 3, 48, 48], target: detection({ classIndex: 1 }), fixed: true },
  'a box of a detector': {
    model: detector('yolov8'),
    dims: [1, 3, 48, 48],
    target: detection({ classIndex: 1, box: [8, 8, 30, 30] }),
    fixed: true,
    place: true,
  },
  'a ViT': { model: attention('class-token-legacy'), dims: [1, 3, 16, 24], fixed: true },
  'attention of a ViT': {
    model: attention('class-token-legacy'),
    dims: [1, 3, 16, 24],
    fixed: true,
    method: 'attention-rollout',
  },
  'a score method': { model: () => plainModel({ size: ['H', 'W'] }), dims: [1, 3, 16, 16], method: 'score-cam' },
  'a method with a score of its own': {
    model: () => plainModel({ size: ['H', 'W'] }),
    dims: [1, 3, 16, 16],
    method: 'finer-cam',
    params: { relu: false },
  },
  'a method with noise of its own': {
    model: () => plainModel({ size: ['H', 'W'] }),
    dims: [1, 3, 16, 16],
    method: 'smooth-grad-cam++',
  },
  'channels last inside': { model: tokens, dims: [1, 3, 16, 24] },
  bytes: { model: bytes, dims: [1, 3, 16, 16], whole: true },
  concepts: { model: () => plainModel({ size: ['H', 'W'] }), dims: [1, 3, 16, 16], method: 'dff' },
  colours: {
    model: () => plainModel({ size: ['H', 'W'] }),
    dims: [1, 3, 16, 16],
    method: 'guided-backprop',
    fine: true,
  },
};

const bytesOf = (dims: readonly number[]) => {
  const { data } = noiseImage(dims);
  return { type: 'float32' as const, data: data.map(value => Math.round(127 + 100 * value)), dims };
};

describe.each(Object.entries(FAMILIES))('%s', (_, family) => {
  it.each(cheapTechniques())('with $name', async ({ name: technique, technique: asked }) => {
    const cam = await open(family.model(), family.options);
    const { dims } = family;
    const run = async () =>
      cam.explain(family.whole ? bytesOf(dims) : noiseImage(dims), {
        method: family.method ?? 'layer-cam',
        params: family.params,
        target: family.target ?? 1,
        technique: asked,
      });
    if (family.fixed && (technique === 'multi-scale' || technique === 'cameras')) {
      await expectError(run, 'ERR_INPUT_SHAPE', 'take sess, augmentation or smooth-grad');
      return;
    }
    if (family.place && technique === 'augmented-grad-cam') {
      await expectError(run, 'ERR_METHOD_UNSUPPORTED', 'smooth-grad or augmentation');
      return;
    }
    if (family.fine && technique === 'jitter-cam') return;
    const results = [await run()].flat(3);
    for (const result of results) {
      const { map, status, reason } = result as Explanation;
      expect([status, reason]).toEqual(['ok', null]);
      const [height, width] = dims[3] === 3 && dims[1] !== 3 ? [dims[1], dims[2]] : dims.slice(-2);
      expect([map.height, map.width]).toEqual([height, width]);
      expect(map.data.every(value => value >= 0 && value <= 1 + 1e-6)).toBe(true);
      expect(map.data.some(value => value > 0)).toBe(true);
    }
  });
});
