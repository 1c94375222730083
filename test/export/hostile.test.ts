/** Models as no exporter writes them: what is exported runs and agrees with `explain`, everything else is refused by a code. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../lib/common/errors.ts';
import type { Explainer } from '../../lib/explainer.ts';
import type { ExportOptions } from '../../lib/export/export-options.ts';
import { load } from '../../lib/load.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { codeOfType } from '../../lib/model/graph/tensor-values.ts';
import { segmentation, similarity, type TargetInput } from '../../lib/targets/index.ts';
import { inner, list, scalar } from '../helpers/control-flow.ts';
import { expectError } from '../helpers/expect-error.ts';
import { one, plainModel, plainSpec, transparentModel } from '../helpers/explain-models.ts';
import { compareWithExplain, noiseFor, openExported } from '../helpers/exported-model.ts';
import { buildModel, type ModelSpec, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { segmenter } from '../helpers/technique-networks.ts';

const open = explainerOpener();
const plain = plainSpec() satisfies ModelSpec as ModelSpec;

/** The plain network with other names of tensors: x, c1, r1, c2, r2, p, f, y and the weights w1, w2, wf, bf. */
function renamed(names: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const name = (own: string) => names[own] ?? own;
  const { nodes, inputs, outputs, initializers } = plain;
  return buildModel({
    nodes: nodes.map(node => ({ ...node, inputs: node.inputs.map(name), outputs: node.outputs.map(name) })),
    inputs: inputs.map(value => ({ ...value, name: name(value.name) })),
    outputs: outputs.map(value => ({ ...value, name: name(value.name) })),
    initializers: Object.fromEntries(Object.entries(initializers!).map(([own, weight]) => [name(own), weight])),
  });
}

/** Adds to the plain network, whose output y is then one of several. */
const extended = ({ nodes = [], outputs = [], initializers = {}, ...rest }: Partial<ModelSpec>) =>
  buildModel({
    ...plain,
    ...rest,
    nodes: [...plain.nodes, ...nodes],
    outputs: [...plain.outputs, ...outputs],
    initializers: { ...plain.initializers, ...initializers },
  });

async function expectSame(cam: Explainer, options: ExportOptions = {}) {
  const exported = await openExported(cam, options);
  const images = noiseFor(exported, 2);
  const count = images.dims[0]!;
  const fed = options.target === 'input' && {
    targets: ['top1', 1].slice(0, count),
    feeds: { cam_class: { type: 'int64', data: BigInt64Array.of(-1n, 1n).slice(0, count), dims: [count] } } as const,
  };
  const { difference, outputs } = await compareWithExplain(cam, options, { exported, images, ...fed });
  expect(difference).toBeLessThan(1e-5);
  return { exported, images, outputs };
}

describe('names', () => {
  it.each([
    ['x', 'onnx_cam0/c0'],
    ['x', 'onnx_cam_seed0/c0'],
    ['x', 'onnx_cam_tail0/c0'],
    ['x', 'grad0/c0'],
    ['c1', 'onnx_cam0/c0'],
    ['r1', 'onnx_cam_seed0/ArgMax_0'],
    ['w1', 'onnx_cam0/c0'],
    ['y', 'onnx_cam0/c1'],
  ])('of %s as nodes that are added have them: %s', async (own, name) => {
    const cam = await open(renamed({ [own]: name }));
    for (const target of ['top1', 'input'])
      for (const method of ['grad-cam', 'recipro-cam']) await expectSame(cam, { method, target, map: 'input' });
  });

  it('of any characters', { timeout: 30_000 }, async () => {
    const some = ['__proto__', 'constructor', ' ', '/', ':0', '"', '\n\u001B[31m', 'ü☃😀', 'cam_class', 'x', 'N'];
    const names = fc.uniqueArray(
      fc.oneof(
        fc.constantFrom(...some),
        fc
          .string({ minLength: 1, unit: 'grapheme' })
          .filter(name => !name.startsWith('onnx_cam/') && name !== 'saliency_map'),
      ),
      { minLength: 12, maxLength: 12 },
    );
    const own = ['x', 'c1', 'r1', 'c2', 'r2', 'p', 'f', 'y', 'w1', 'w2', 'wf', 'bf'];
    await fc.assert(
      fc.asyncProperty(names, async given => {
        const cam = await load(renamed(Object.fromEntries(own.map((name, i) => [name, given[i]!]))));
        try {
          await expectSame(cam);
        } finally {
          await cam.dispose();
        }
      }),
      { numRuns: 20 },
    );
  });

  it.each(['x', 'c1', 'w1', 'y'])('of %s that export adds are refused', async own => {
    const refused = async (name: string, options: ExportOptions = {}) => {
      const cam = await open(renamed({ [own]: name }));
      await expectError(() => cam.export(options), 'ERR_MODEL_UNSUPPORTED', `"${name}" already`);
    };
    await refused('saliency_map');
    await refused('cam_class', { target: 'input' });
    await refused('onnx_cam/vectors', { target: similarity([1, 2, 3, 4, 5]) });
    await refused('onnx_cam/converted/8', { method: 'recipro-cam' });
  });
});

/** A branch beside the network, taken by the picture's largest value. */
const branch = (captured: string, made: string): Partial<ModelSpec> => {
  const body = (op: string) => inner({ nodes: [makeNode(op, [captured], [made])], outputs: [{ name: made }] });
  return {
    nodes: [
      makeNode('ReduceMax', [captured], ['largest'], { keepdims: 0 }),
      makeNode('Greater', ['largest', 'bound'], ['is bright']),
      makeNode('If', ['is bright'], ['side'], { then_branch: body('Neg'), else_branch: body('Exp') }),
    ],
    outputs: [{ name: 'side' }],
    initializers: { bound: { dims: [], data: [0.5] } },
  };
};

describe('control flow', () => {
  it('that reads the picture beside the network stays as it is', async () => {
    const cam = await open(extended(branch('x', 'inside')));
    const { images, outputs } = await expectSame(cam, { map: 'input' });
    expect(outputs.side!.dims).toEqual(images.dims);
    expect(Array.from(outputs.side!.data as Float32Array)).toEqual(Array.from(images.data, value => -value));
  });

  /** As often as the picture says. */
  const loop = (made: string) => {
    const value = { name: 'v', dims: ['N', 5] };
    const body = inner({
      inputs: [{ name: 'i', type: 'int64', dims: [] }, { name: 'go', type: 'bool', dims: [] }, value],
      nodes: [makeNode('Mul', ['v', 'v'], [made]), makeNode('Identity', ['go'], ['on'])],
      outputs: [
        { name: 'on', type: 'bool', dims: [] },
        { ...value, name: made },
      ],
    });
    return [
      makeNode('ReduceMax', ['x'], ['largest'], { keepdims: 0 }),
      makeNode('Cast', ['largest'], ['often'], { to: codeOfType('int64') }),
      makeNode('Loop', ['often', '', 'y'], ['z'], { body }),
    ];
  };
  const looped = (made: string) =>
    buildModel({ ...plain, nodes: [...plain.nodes, ...loop(made)], outputs: [{ name: 'z', dims: ['N', 5] }] });

  it('that repeats as often as the picture says has no gradient', async () => {
    const cam = await open(looped('next'));
    await expectError(() => cam.export(), 'ERR_NO_GRADIENT', 'Loop');
    await expectSame(cam, { method: 'activation-mean' });
  });

  it('with tensors of the names that are added inside is refused', async () => {
    const options = { method: 'activation-mean' };
    for (const name of ['saliency_map', 'onnx_cam/score/3']) {
      const cam = await open(looped(name));
      await expectError(() => cam.export(options), 'ERR_MODEL_UNSUPPORTED', `"${name}" already`);
    }
    const cam = await open(looped('cam_class'));
    await expectError(() => cam.export({ ...options, target: 'input' }), 'ERR_MODEL_UNSUPPORTED', 'cam_class');
  });
});

describe('outputs', () => {
  const input = plain.inputs[0]!;
  const own = { own: noise([5], 1) };
  it.each<[string, Partial<ModelSpec>, string[]]>([
    ['that are the input', { outputs: [input] }, ['y', 'x']],
    ['that are weights', { outputs: [{ name: 'bf', dims: [5] }] }, ['y', 'bf']],
    ['that are weights of nothing else', { outputs: [{ name: 'own', dims: [5] }], initializers: own }, ['y', 'own']],
    ['that come twice', { outputs: plain.outputs }, ['y', 'y']],
    ['that are the layer', { outputs: [{ name: 'r2', dims: ['N', 8, 4, 4] }] }, ['y', 'r2']],
    [
      'of text',
      { nodes: [makeNode('Cast', ['y'], ['text'], { to: 8 })], outputs: [{ name: 'text', type: 'string' }] },
      ['y', 'text'],
    ],
  ])('%s stay', async (_, parts, names) => {
    const cam = await open(extended(parts));
    for (const method of ['grad-cam', 'recipro-cam']) {
      const { exported, images, outputs } = await expectSame(cam, { method });
      expect(exported.outputs.map(({ name }) => name)).toEqual([...names, 'saliency_map']);
      if (names.includes('x')) expect(outputs.x!.data).toEqual(images.data);
    }
  });

  it('that are the input are refused where it takes pictures', async () => {
    const cam = await open(extended({ outputs: [input] }));
    await expectError(() => cam.export({ preprocess: true }), 'ERR_MODEL_UNSUPPORTED', 'gives its input "x" back');
  });

  it('that are sequences stay', async () => {
    const nodes = [makeNode('SequenceConstruct', ['y', 'y'], ['both'])];
    const model = fromBinary(ModelProtoSchema, extended({ nodes }));
    model.graph!.output.push(list('both'));
    const bytes = await (await open(toBinary(ModelProtoSchema, model))).export();
    const written = fromBinary(ModelProtoSchema, bytes).graph!;
    expect(written.output.map(({ name }) => name)).toEqual(['y', 'both', 'saliency_map']);
    expect(written.output[1]!.type!.value.case).toBe('sequenceType');
    expect(written.node.map(({ opType }) => opType)).toContain('SequenceConstruct');
  });

  it('taken out of a sequence have gradients', async () => {
    const nodes = [
      makeNode('SequenceConstruct', ['y', 'y'], ['both']),
      makeNode('SequenceAt', ['both', 'second'], ['z']),
    ];
    const spec = { ...plain, nodes: [...plain.nodes, ...nodes], outputs: [{ name: 'z', dims: ['N', 5] }] };
    await expectSame(await open(buildModel({ ...spec, initializers: { ...plain.initializers, second: scalar(1) } })));
  });

  const scores = (nodes: ModelSpec['nodes'], dims: readonly (number | string)[]) =>
    buildModel({
      ...plain,
      nodes: [...plain.nodes, ...nodes],
      outputs: [{ name: 'z', dims }],
      initializers: { ...plain.initializers, first: { dims: [1], type: 'int64', data: [0] } },
    });
  it.each([
    ['[K,N]', [makeNode('Transpose', ['y'], ['z'], { perm: [1, 0] })], [5, 'N']],
    ['[1,N,K]', [makeNode('Unsqueeze', ['y', 'first'], ['z'])], [1, 'N', 5]],
  ])('%s, whose first axis is not the batch, are exported for one image', async (_, nodes, dims) => {
    const cam = await open(scores(nodes, dims));
    const { exported } = await expectSame(cam, { target: 'input' });
    expect(exported.inputs.map(input => (input.dims as number[])[0])).toEqual([1, 1]);
    await expectError(() => cam.export({ method: 'recipro-cam' }), 'ERR_METHOD_UNSUPPORTED', '1 image at once');
  });

  it.each<[string, ModelSpec['nodes'], (number | string)[], ErrorCode]>([
    ['that are weights', [makeNode('Add', ['bf', 'bf'], ['z'])], [5], 'ERR_MODEL_UNSUPPORTED'],
    [
      'that are sizes',
      [makeNode('Shape', ['y'], ['sizes']), makeNode('Cast', ['sizes'], ['z'], { to: 1 })],
      [2],
      'ERR_MODEL_UNSUPPORTED',
    ],
    [
      'of steps [T,N,K]',
      [makeNode('Unsqueeze', ['y', 'first'], ['step']), makeNode('Concat', ['step', 'step'], ['z'], { axis: 0 })],
      [2, 'N', 5],
      'ERR_MODEL_UNSUPPORTED',
    ],
  ])('%s are no scores', async (_, nodes, dims, code) => {
    await expectError(async () => (await open(scores(nodes, dims))).export(), code);
  });
});

it('models that name no version of the standard operators are refused', async () => {
  const cam = await open(extended({ opset: { 'org.example': 1 } }));
  await expectError(() => cam.export(), 'ERR_MODEL_UNSUPPORTED', 'it names org.example');
});

describe('metadata', () => {
  const metadataOf = (bytes: Uint8Array) =>
    new Map(fromBinary(ModelProtoSchema, bytes).metadataProps.map(({ key, value }) => [key, value]));

  it('of any size stays, but under the keys of an export only what it says itself', async () => {
    const long = 'ü'.repeat(1 << 20);
    const said = { '': 'no key', [long]: 'a long key', 'a long value': long };
    const others = { 'onnx_cam.notes': 'mine', 'onnx_cam.method': 'mine', 'onnx_cam.mine': 'mine' };
    const cam = await open(extended({ metadata: { ...said, ...others } }));
    const { exported } = await expectSame(cam);
    const written = metadataOf(exported.bytes);
    for (const [key, value] of Object.entries(said)) expect(written.get(key)).toBe(value);
    expect(written.get('onnx_cam.method')).toBe('grad-cam');
    expect([...written.values()]).not.toContain('mine');
  });

  it('of an export in another model hides no output, and is refused', async () => {
    await expectSame(await open(extended({ metadata: { 'onnx_cam.output': 'y' } })));
    const cam = await open(extended({ metadata: { 'onnx_cam.version': '' } }));
    await expectError(() => cam.export(), 'ERR_MODEL_UNSUPPORTED', 'holds an explanation already');
  });
});

describe('values that are not finite', () => {
  it('give zeros, as explain does', async () => {
    const w2 = noise([8, 6, 3, 3], 22, 0.4);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const cam = await open(plainModel({ weights: { w2: { ...w2, data: w2.data.with(0, value) } } }));
      for (const options of [
        { map: 'input' },
        { map: 'input', layer: ['r1', 'r2'] },
        { map: 'input', method: 'eigen-cam' },
      ] as const) {
        const { outputs } = await expectSame(cam, options);
        expect(Math.max(...(outputs.saliency_map!.data as Float32Array))).toBe(0);
      }
    }
  });

  it('of one picture leave the others alone', async () => {
    const exported = await openExported(await open(plainModel()));
    const images = noiseFor(exported, 2);
    const { saliency_map: sound } = await exported.run({ x: images });
    images.data.fill(Number.NaN, 0, 9);
    const { saliency_map: map } = await exported.run({ x: images });
    const values = map!.data as Float32Array;
    expect(values.subarray(0, 16).every(value => value === 0)).toBe(true);
    expect(values.subarray(16)).toEqual((sound!.data as Float32Array).subarray(16));
  });
});

describe('an export that is explained again', () => {
  const again = async (model: Uint8Array, written: TargetInput, asked: readonly TargetInput[]) => {
    const preprocess = { size: [4, 4] as const };
    const cam = await open(model, { preprocess });
    const loaded = await open(await cam.export({ target: written }));
    const image = { type: 'float32', data: noise([1, 3, 4, 4], 9).data, dims: [1, 3, 4, 4] } as const;
    for (const target of asked) {
      const [expected, found] = [
        one(await cam.explain(image, { target })),
        one(await loaded.explain(image, { target })),
      ];
      expect(Array.from(found.map.data)).toEqual(Array.from(expected.map.data));
    }
  };

  it('by other vectors', () =>
    again(transparentModel(), similarity([1, 2, 3, 4, 5]), [
      similarity([5, -4, 3, 2, 1]),
      similarity([0, 1, 0, 1, 0]),
      2,
    ]));

  it('by other regions', () =>
    again(segmenter(), segmentation({ classIndex: 2, region: { box: [0, 0, 1, 1] } }), [
      segmentation({ classIndex: 1, region: { point: [1, 1] } }),
      segmentation({ classIndex: 1, region: 'predicted' }),
    ]));
});
