/** What callers without a type checker may hand in: each is an OnnxCamError, none is passed over. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../lib/common/errors.ts';
import { computeMap, type Explainer, type Explanation, load } from '../../lib/index.ts';
import * as kernels from '../../lib/kernels/index.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import * as targets from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel } from '../helpers/model-builder.ts';

const image = noiseImage([1, 3, 16, 16]);
/** Anything, as JavaScript gives it. */
const any = (value: unknown) => value as never;

let cam: Explainer;
let result: Explanation;
beforeAll(async () => {
  cam = await load(plainModel());
  result = one(await cam.explain(image));
});
afterAll(() => cam.dispose());

const option = (name: string, call: () => unknown, ...texts: string[]) =>
  it(name, () => expectError(async () => call(), 'ERR_OPTION_INVALID', ...texts));

describe('pictures of a map', () => {
  option('an unknown option', () => result.overlay(any({ alpa: 1 })), "'alpa'", 'alpha');
  option('an unknown option of a buffer', () => result.toBuffer(any({ alpa: 1 })), "'alpa'");
  option('a kind for heatmap()', () => result.heatmap(any({ kind: 'overlay' })), "'kind'");
  option('an unknown kind', () => result.toBuffer(any({ kind: 'x' })), 'overlay, heatmap');
  option('an alpha that a heat map has no use for', () => result.heatmap({ alpha: 2 }), '0 to 1');
  for (const call of ['heatmap', 'overlay', 'toBuffer'] as const)
    option(`null for ${call}`, () => result[call](any(null)), call);
  option('no path', () => result.toFile(any(undefined)), 'path');
  option('an URL that is no file', () => result.toFile(new URL('https://example.org/a.png')), 'file:');
  option('a file: URL of another machine', () => result.toFile(new URL('file://host/a.png')), 'file://host/a.png');

  it('a file: URL is a path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-url-'));
    try {
      await result.toFile(pathToFileURL(join(folder, 'a b.png')));
      expect(readFileSync(join(folder, 'a b.png')).subarray(1, 4).toString()).toBe('PNG');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** JSON cannot show it. */
function circle(): unknown {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}

describe('options', () => {
  option('null for predict', () => cam.predict(image, any(null)), 'predict');
  option('a bigint as layer', () => cam.explain(image, { layer: any(-1n) }), 'layer');
  option('an object as layer', () => cam.explain(image, { layer: any({}) }), 'layer');
  option('a typo in stream', () => cam.stream([image], any({ concurency: 1 })).next(), 'stream', 'concurrency');
  option('null as preprocess', () => load(plainModel(), { preprocess: any(null) }), 'preprocess');
  option('a size that is no pair', () => load(plainModel(), { preprocess: { size: any({ length: 2 }) } }), 'size');
  option('a bigint as precision', () => load(plainModel(), { precision: any(16n) }), 'precision', '16n');
  option('a circle as precision', () => load(plainModel(), { precision: any(circle()) }), 'precision', 'Circular');
  option('tokens that are no object', () => load(plainModel(), { tokens: any(5) }), 'tokens');
  option('tokens with another key', () => load(plainModel(), { tokens: any({ foo: 1 }) }), 'tokens');
  option('a grid of fractions', () => load(plainModel(), { tokens: { grid: [2.5, 6.4] } }), 'tokens');
  option('a grid of nothing', () => load(plainModel(), { tokens: { grid: [0, 4] } }), 'tokens');
  option('inputs that are no object', () => load(plainModel(), { inputs: any(5) }), 'inputs');
  option(
    'a layout that is not the model’s',
    () => load(plainModel(), { preprocess: { layout: 'nhwc' } }),
    'layout',
    'nchw',
  );
  const maps = { activations: { data: new Float32Array(8), dims: [2, 2, 2] } };
  option('null for computeMap', () => computeMap('eigen-cam', maps, any(null)), 'computeMap');
  option('a size of one number', () => computeMap('eigen-cam', maps, { size: any(4) }), 'size');
  option('a seed of letters', () => computeMap('random-cam', maps, { seed: any('x') }), 'seed');
});

describe('targets', () => {
  option('segmentation of nothing', () => targets.segmentation(any(undefined)));
  option('a label that is a number', () => targets.label(any(5)));
  option('an output that is a number', () => targets.output(any(5), 3));
  option('weights without targets', () => targets.weighted(any(5)));
  option('a pair that is none', () => targets.weighted(any([5])));
  for (const target of [
    { kind: 'weighted' },
    { kind: 'class' },
    { kind: 'class', index: '5' },
    { kind: 'view', view: 'logit', of: { kind: 'class', index: 1 } },
    { kind: 'output', name: 'y', of: { kind: 'nothing' } },
    { kind: 'toString' },
    [],
  ])
    option(JSON.stringify(target), () => cam.explain(image, { target: any(target) }), 'target');
});

describe('kernels without arguments', () => {
  const maps = { data: new Float32Array(4), dims: [1, 2, 2] as const };
  const code = (name: string, expected: ErrorCode, call: () => unknown) =>
    it(name, () => expectError(async () => call(), expected));
  code('normalize', 'ERR_OPTION_INVALID', () => kernels.normalize(maps, any(undefined)));
  code('resize', 'ERR_OPTION_INVALID', () => kernels.resize(maps, any(undefined)));
  code('resize of nothing', 'ERR_INPUT_SHAPE', () =>
    kernels.resize(any(undefined), { width: 2, height: 2, interpolation: 'bilinear' }),
  );
  code('channelMeans', 'ERR_INPUT_SHAPE', () => kernels.channelMeans(any(undefined)));
  code('factorize', 'ERR_OPTION_INVALID', () =>
    kernels.factorize({ data: new Float32Array(4), dims: [1, 2, 2] }, any(undefined)),
  );
  code('colorize', 'ERR_INPUT_SHAPE', () => kernels.colorize(any(undefined), new Uint8Array(768)));
  code('imageToTensor', 'ERR_INPUT_SHAPE', () => kernels.imageToTensor(any(undefined), { mean: 0, std: 1 }));
});

describe('fixed tensors for further inputs', () => {
  const spec = plainSpec();
  const scaled = buildModel({
    ...spec,
    nodes: [makeNode('Mul', ['x', 's'], ['xs']), ...spec.nodes.map(node => node)].map((node, i) =>
      i === 1
        ? makeNode('Conv', ['xs', 'w1'], ['c1'], { pads: [1, 1, 1, 1], strides: [2, 2] }, { name: 'conv1' })
        : node,
    ),
    inputs: [...spec.inputs, { name: 's', dims: [1] }],
  });
  const scale = (type: string, data: unknown, dims: number[]) => ({ inputs: { s: any({ type, data, dims }) } });

  it('are fed', async () => {
    const own = await load(scaled, scale('float32', Float32Array.of(1), [1]));
    expect(one(await own.explain(image)).target.score).toBeCloseTo(result.target.score, 5);
    await own.dispose();
  });

  it.each([
    ['of another type', 'int32', Int32Array.of(2), [1]],
    ['of another length', 'float32', Float32Array.of(1, 2), [2]],
    ['of another rank', 'float32', Float32Array.of(1), [1, 1]],
    ['with too few values', 'float32', new Float32Array(0), [1]],
  ])('%s', async (_, type, data, dims) => {
    await expectError(() => load(scaled, scale(type, data, dims)), 'ERR_INPUT_SHAPE', '"s" float32[1]', type);
  });

  it('of texts', async () => {
    await expectError(() => load(scaled, scale('string', ['a'], [1])), 'ERR_OPTION_INVALID', "'s'", 'numbers');
  });
});

describe('what is asked for twice', () => {
  it('is answered twice', async () => {
    const results = flat(await cam.explain(image, { layer: [-1, 'r1', -1], fuse: false }));
    expect(results.map(({ layer }) => (layer as { name: string }).name)).toEqual(['r2', 'r1', 'r2']);
    expect([...results[2]!.raw.data]).toEqual([...results[0]!.raw.data]);
  });
});

describe('eigenSmooth', () => {
  const smooth = { params: { eigenSmooth: true } };

  it('changes every map that is a sum over channels', async () => {
    for (const method of ['grad-cam', 'hirescam', 'fem', 'zoom-cam']) {
      const [plain, smoothed] = [
        one(await cam.explain(image, { method })),
        one(await cam.explain(image, { method, ...smooth })),
      ];
      expect(smoothed.warnings).toEqual([]);
      expect([...smoothed.raw.data]).not.toEqual([...plain.raw.data]);
    }
  });

  it('is said to be left out of all others', async () => {
    for (const method of ['dff', 'group-cam', 'poly-cam', 'eigen-cam'])
      expect(one(await cam.explain(image, { method, ...smooth })).warnings.join()).toContain('eigenSmooth');
  });
});

describe('one signal for many', () => {
  it('has one listener, so that Node does not warn', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 15 }, () => cam.explain(image, { signal })));
    for await (const _ of cam.stream(new Array(20).fill(image), { concurrency: 12, signal }));
    await new Promise(later => setTimeout(later, 20));
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });
});

describe('labels of another model', () => {
  it('are told by their number', async () => {
    const wrong = await load(plainModel(), { labels: ['a', 'b'] });
    expect(one(await wrong.explain(image)).warnings).toEqual([expect.stringMatching(/2 labels for 5 classes/)]);
    await wrong.dispose();
    expect(result.warnings).toEqual([]);
  });
});
