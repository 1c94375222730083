/** Metrics of the map alone and of a second map, through the door. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { drawOf } from '../../lib/metrics/support/draw.ts';
import { ssim } from '../../lib/metrics/support/ssim.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { noiseImage, one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const SIDE = 16;
const x = noiseImage([1, 3, SIDE, SIDE]);
const METHOD = { method: 'grad-cam', mapSize: 'input' } as const;
let cam: Explainer;
let map: Explanation;
beforeAll(async () => {
  cam = await open(plainModel());
  map = one(await cam.explain(x, METHOD));
});

describe('a second map', () => {
  it('of noisy inputs is the one that explaining them gives', async () => {
    const { 'avg-sensitivity': measured } = await cam.measure(x, {
      map,
      seed: 5,
      metrics: [{ metric: 'avg-sensitivity', params: { n: 3, radius: 0.1 } }],
    });
    const ratios: number[] = [];
    for (let sample = 0; sample < 3; sample++) {
      const draw = drawOf({ seed: 5, index: 0 }, 'avg-sensitivity', sample);
      const data = x.data.map(value => value + 0.1 * (2 * draw.uniform() - 1));
      const noisy = one(await cam.explain({ ...x, data }, { ...METHOD, target: map.target.index })).map.data;
      const norm = (values: Float32Array) => Math.hypot(...values);
      ratios.push(norm(noisy.map((value, i) => value - map.map.data[i]!)) / norm(map.map.data));
    }
    expect(measured!.value).toBeCloseTo(ratios.reduce((a, b) => a + b) / 3, 4);
    expect(measured!.value).toBeGreaterThan(0);
  });

  it('of another class is that of the runner-up', async () => {
    const { 'random-logit': measured } = await cam.measure(x, { map, metrics: ['random-logit'] });
    const second = map.predictions[1]!.index;
    expect(measured!.details).toMatchObject({ other: second });
    const theirs = one(await cam.explain(x, { ...METHOD, target: second })).map.data;
    expect(measured!.value).toBeCloseTo(ssim(map.map.data, theirs, SIDE, SIDE)!, 4);
  });

  it('of random weights comes for each unit, or at the end of each stage', async () => {
    const { nodes, initializers, ...rest } = plainSpec();
    const [conv1, relu1, conv2, ...others] = nodes;
    // A second convolution of the first stage.
    const deeper = [
      makeNode('Conv', ['r1', 'more'], ['m'], { pads: [1, 1, 1, 1] }, { name: 'more' }),
      makeNode('Relu', ['m'], ['rm'], {}, { name: 'relu-more' }),
      { ...conv2!, inputs: ['rm', 'w2'] },
    ];
    const weights = { ...initializers, more: noise([6, 6, 3, 3], 25, 0.4) };
    const deep = await open(
      buildModel({ ...rest, nodes: [conv1!, relu1!, ...deeper, ...others], initializers: weights }),
    );
    const judged = one(await deep.explain(x, METHOD));
    const at = async (params: object) => {
      const metrics = [{ metric: 'mprt', params: params as never }];
      const { curve, details } = (await deep.measure(x, { map: judged, metrics })).mprt!;
      expect(details.undefined).toBe(0);
      return curve!;
    };
    for (const [order, counts] of [
      ['bottom-up', [2, 3, 4]],
      ['top-down', [1, 2, 4]],
    ] as const) {
      const all = await at({ order });
      const stages = await at({ order, units: 'stages' });
      expect(all.x).toEqual([1, 2, 3, 4]);
      expect(stages.x).toEqual(counts);
      for (const [i, count] of counts.entries()) expect(stages.y[i]).toBeCloseTo(all.y[count - 1]!, 6);
    }
  });

  it('is the same alone and among others, and of another seed another', async () => {
    const names = ['max-sensitivity', 'avg-sensitivity', 'random-logit', 'emprt'];
    const together = await cam.measure(x, { map, metrics: names, batchSize: 3 });
    for (const name of names.toReversed()) {
      const alone = (await cam.measure(x, { map, metrics: [name], batchSize: 1 }))[name]!;
      expect(alone.value).toBeCloseTo(together[name]!.value!, 5);
    }
    const other = (await cam.measure(x, { map, metrics: names, seed: 1 }))['max-sensitivity']!;
    expect(Math.abs(other.value! - together['max-sensitivity']!.value!)).toBeGreaterThan(1e-5);
  });
});

describe('a map of another size', () => {
  const picture = {
    data: Uint8Array.from({ length: 40 * 24 * 3 }, (_, i) => (i * 37) % 256),
    info: { width: 40, height: 24, channels: 3 as const },
  };
  const flat = (width: number, height: number) => ({
    data: new Float32Array(width * height).fill(0.25),
    width,
    height,
  });
  const complexityOf = async (width: number, height: number) =>
    (await cam.measure(picture, { map: flat(width, height), metrics: ['complexity'] })).complexity!.value;

  it('may be the reduced picture, as explain writes it', async () => {
    const small = one(await cam.explain(picture, { ...METHOD, mapSize: { max: 30 } })).map;
    expect([small.width, small.height]).toEqual([30, 18]);
    expect(await complexityOf(30, 18)).toBeCloseTo(0.25, 6);
    expect(await complexityOf(40, 24)).toBeCloseTo(0.25, 6);
  });

  it('is refused where its proportions are others, or it is smaller than the input', async () => {
    await expect(complexityOf(30, 19)).rejects.toMatchObject({ code: 'ERR_INPUT_SHAPE' });
    await expect(complexityOf(10, 6)).rejects.toMatchObject({ code: 'ERR_INPUT_SHAPE' });
    await expect(complexityOf(80, 48)).rejects.toMatchObject({ code: 'ERR_INPUT_SHAPE' });
  });
});

describe('the map alone', () => {
  it('is measured by what needs the truth too, where there is one', async () => {
    const truth = { boxes: [[2, 2, 6, 6]] as const };
    expect(Object.keys(await cam.measure(x, { map, truth }))).toContain('pointing-game');
    expect(Object.keys(await cam.measure(x, { map }))).not.toContain('pointing-game');
  });

  it('is judged where the truth says, and its histogram is not printed', async () => {
    const truth = () => ({ boxes: [[2, 2, 6, 6]] as const });
    const metrics = [
      'pointing-game',
      'roc-auc',
      'pxap',
      'box-iou',
      'max-box-acc',
      { metric: 'top-k', params: { k: 9 } },
    ];
    const found = await cam.measure(x, { map, truth: truth as never, metrics });
    for (const measured of Object.values(found)) expect(measured.value, measured.metric).not.toBeNull();
    expect(found.pxap!.kept).toHaveLength(2002);
    expect(Object.keys(found.pxap!)).not.toContain('kept');
    expect(found['max-box-acc']!.curve!.y).toHaveLength(100);
  });
});
