import { describe, expect, it } from 'vitest';
import { chooseLayer, resolveLayers, stageLayers } from '../../../lib/model/find/choose-layer.ts';
import { float } from '../../../lib/model/graph/attributes.ts';
import { type GraphNode, makeNode } from '../../../lib/model/graph/graph.ts';
import { load } from '../../helpers/load.ts';
import { buildModel, noise } from '../../helpers/model-builder.ts';
import { residualModel, tensorFlowModel, vggModel } from '../../helpers/small-models.ts';

/** A convolution `c` [N,4,8,8], the given nodes from it to `a`, and a pooled linear head. */
async function modelWith(nodes: GraphNode[], more: Record<string, ReturnType<typeof noise>> = {}, opset = 17) {
  const bytes = buildModel({
    opset,
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], {}, { name: 'conv' }),
      ...nodes,
      makeNode('GlobalAveragePool', ['a'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'wf'], ['y']),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w: noise([4, 3, 1, 1]), wf: noise([4, 5]), ...more },
  });
  return load(bytes);
}

const scalar = (value: number) => ({ dims: [], data: Float32Array.of(value) });

describe('chooseLayer', () => {
  it('takes the output of the last residual block', async () => {
    const model = await load(residualModel());
    expect(model.chosen).toMatchObject({
      name: 'r2',
      node: 'block/relu',
      operator: 'Relu',
      shape: [-1, 4, 8, 8],
      layout: 'nchw',
      channels: 4,
      spatial: [8, 8],
      reason: 'last spatial layer before the class scores (Relu)',
    });
    const byName = new Map(model.layers.map(layer => [layer.name, layer]));
    expect([...byName.keys()]).toEqual(['c1', 'r1', 'c2', 's', 'r2']);
    expect(byName.get('c2')).toMatchObject({ dominating: false, postActivation: false });
    expect(byName.get('r1')).toMatchObject({ dominating: true, postActivation: true });
    expect(byName.get('s')).toMatchObject({ dominating: true, postActivation: true });
  });

  it('prefers the activation to the pooling after it', async () => {
    const { chosen, layers } = await load(vggModel());
    expect(chosen).toMatchObject({ name: 'r2', spatial: [8, 8] });
    expect(chosen!.reason).toBe('last spatial activation before the class scores (Relu), before the MaxPool');
    expect(stageLayers(layers).map(layer => layer.name)).toEqual(['r1', 'r2']);
  });

  it.each<[string, GraphNode[], Record<string, ReturnType<typeof noise>>]>([
    ['SiLU', [makeNode('Sigmoid', ['c'], ['s']), makeNode('Mul', ['c', 's'], ['a'])], {}],
    [
      'hard swish in pieces, the constant last',
      [
        makeNode('Add', ['c', 'three'], ['s']),
        makeNode('Clip', ['s', 'zero', 'six'], ['t']),
        makeNode('Mul', ['c', 't'], ['u']),
        makeNode('Div', ['u', 'six'], ['a']),
      ],
      { three: scalar(3), zero: scalar(0), six: scalar(6) },
    ],
    [
      'hard swish with HardSigmoid',
      [makeNode('HardSigmoid', ['c'], ['s'], { alpha: float(1 / 6) }), makeNode('Mul', ['c', 's'], ['a'])],
      {},
    ],
    [
      'GELU',
      [
        makeNode('Div', ['c', 'root'], ['s']),
        makeNode('Erf', ['s'], ['t']),
        makeNode('Add', ['t', 'one'], ['u']),
        makeNode('Mul', ['c', 'u'], ['v']),
        makeNode('Mul', ['v', 'half'], ['a']),
      ],
      { root: scalar(Math.SQRT2), one: scalar(1), half: scalar(0.5) },
    ],
    [
      'GELU by tanh, in pieces',
      [
        makeNode('Pow', ['c', 'three'], ['s']),
        makeNode('Mul', ['s', 'small'], ['t']),
        makeNode('Add', ['c', 't'], ['u']),
        makeNode('Mul', ['u', 'root'], ['v']),
        makeNode('Tanh', ['v'], ['g']),
        makeNode('Add', ['g', 'one'], ['h']),
        makeNode('Mul', ['c', 'half'], ['i']),
        makeNode('Mul', ['i', 'h'], ['a']),
      ],
      { three: scalar(3), small: scalar(0.044715), root: scalar(0.7978846), one: scalar(1), half: scalar(0.5) },
    ],
    [
      'Mish',
      [makeNode('Softplus', ['c'], ['s']), makeNode('Tanh', ['s'], ['t']), makeNode('Mul', ['c', 't'], ['a'])],
      {},
    ],
  ])('sees %s as one activation', async (_name, nodes, weights) => {
    const model = await modelWith(nodes, weights);
    expect(model.layers.map(({ name, postActivation }) => [name, postActivation])).toEqual([
      ['c', false],
      ['a', true],
    ]);
    expect(model.chosen!.name).toBe('a');
  });

  it('goes on when a squeeze-and-excitation gate rescales the features', async () => {
    const model = await modelWith(
      [
        makeNode('Relu', ['c'], ['r']),
        makeNode('GlobalAveragePool', ['r'], ['g']),
        makeNode('Conv', ['g', 'wg'], ['h']),
        makeNode('Sigmoid', ['h'], ['s']),
        makeNode('Mul', ['r', 's'], ['a']),
      ],
      { wg: noise([4, 4, 1, 1]) },
    );
    expect(model.chosen).toMatchObject({ name: 'a', operator: 'Mul', postActivation: true });
    expect(model.layers.find(layer => layer.name === 'r')!.dominating).toBe(true);
  });

  it('accepts a join of activations and skips normalisation behind one', async () => {
    const nodes = [
      makeNode('Relu', ['c'], ['r']),
      makeNode('Conv', ['r', 'w2'], ['d']),
      makeNode('Relu', ['d'], ['e']),
      makeNode('Split', ['e'], ['left', 'right'], { axis: 1 }),
      makeNode('Relu', ['left'], ['l']),
      makeNode('Elu', ['right'], ['q']),
      makeNode('Concat', ['l', 'q'], ['a'], { axis: 1 }),
    ];
    const model = await modelWith(nodes, { w2: noise([4, 4, 1, 1]) });
    expect(model.chosen).toMatchObject({ name: 'a', operator: 'Concat' });
    expect(model.layers.find(layer => layer.name === 'left')!.dominating).toBe(false);
    const statistics = {
      scale: noise([4]),
      bias: noise([4]),
      mean: noise([4]),
      variance: { dims: [4], data: new Float32Array(4).fill(1) },
    };
    const normalised = await modelWith(
      [
        makeNode('Relu', ['c'], ['r']),
        makeNode('BatchNormalization', ['r', 'scale', 'bias', 'mean', 'variance'], ['a']),
      ],
      statistics,
    );
    expect(normalised.chosen).toMatchObject({ name: 'r' });
    expect(normalised.chosen!.reason).toMatch(/before the BatchNormalization$/);
  });

  it('takes the whole of a learnt scale and shift behind an activation', async () => {
    const nodes = [
      makeNode('Relu', ['c'], ['r']),
      makeNode('Mul', ['r', 'scale'], ['m']),
      makeNode('Add', ['m', 'shift'], ['a']),
    ];
    const { chosen } = await modelWith(nodes, { scale: noise([4, 1, 1]), shift: noise([4, 1, 1]) });
    expect(chosen).toMatchObject({ name: 'a', postActivation: true });
  });

  it('is not misled by shapes that are read from earlier tensors', async () => {
    const nodes = [
      makeNode('Relu', ['c'], ['r']),
      makeNode('Shape', ['x'], ['sx']),
      makeNode('Gather', ['sx', 'first'], ['n'], { axis: 0 }),
      makeNode('Concat', ['n', 'rest'], ['target'], { axis: 0 }),
      makeNode('Reshape', ['r', 'target'], ['a']),
    ];
    const model = await load(
      buildModel({
        nodes: [
          makeNode('Conv', ['x', 'w'], ['c']),
          ...nodes,
          makeNode('GlobalAveragePool', ['a'], ['p']),
          makeNode('Flatten', ['p'], ['y']),
        ],
        inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
        outputs: [{ name: 'y', dims: ['N', 4] }],
        initializers: {
          w: noise([4, 3, 1, 1]),
          first: { dims: [1], type: 'int64', data: [0] },
          rest: { dims: [3], type: 'int64', data: [4, 8, 8] },
        },
      }),
    );
    expect(model.layers.find(layer => layer.name === 'r')!.dominating).toBe(true);
    expect(model.facts.get('sx')!.values).toBeUndefined();
    expect(model.facts.get('rest')!.values).toEqual([4, 8, 8]);
  });

  it('works on channels-last tensors', async () => {
    const model = await load(tensorFlowModel());
    expect(model.input.layout).toBe('nhwc');
    expect(model.logits).toMatchObject({ tensor: 'z', kind: 'softmax' });
    expect(model.chosen).toMatchObject({ name: 'r1', layout: 'nchw', shape: [-1, 4, 8, 8] });
    expect(model.layers.find(layer => layer.name === 'u')).toMatchObject({
      layout: 'nhwc',
      channels: 4,
      spatial: [8, 8],
    });
  });

  it('says when there is nothing to choose', async () => {
    const bytes = buildModel({
      nodes: [makeNode('Flatten', ['x'], ['f']), makeNode('Gemm', ['f', 'w'], ['y'])],
      inputs: [{ name: 'x', dims: ['N', 3, 4, 4] }],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: { w: noise([48, 5]) },
    });
    const model = await load(bytes);
    expect(model.chosen).toBeUndefined();
    expect(() => chooseLayer(model.layers)).toThrowError(expect.objectContaining({ code: 'ERR_NO_SPATIAL_LAYER' }));
  });
});

describe('resolveLayers', () => {
  it('takes tensor names, node names, negative numbers, words and arrays', async () => {
    const { layers, graph, facts } = await load(residualModel());
    const resolve = (spec: Parameters<typeof resolveLayers>[0]) =>
      resolveLayers(spec, layers, graph, facts).map(layer => layer.name);
    expect(resolve('c2')).toEqual(['c2']);
    expect(resolve('block/add')).toEqual(['s']);
    expect(resolve(-1)).toEqual(['r2']);
    expect(resolve('-2')).toEqual(['s']);
    expect(resolve('auto')).toEqual(['r2']);
    expect(resolve(undefined)).toEqual(['r2']);
    expect(resolve('stages')).toEqual(['r2']);
    expect(resolve(['stem/relu', -1])).toEqual(['r1', 'r2']);
  });

  it('refuses what it cannot find, with the nearest names', async () => {
    const { layers, graph, facts } = await load(residualModel());
    const resolve = (spec: Parameters<typeof resolveLayers>[0]) => () => resolveLayers(spec, layers, graph, facts);
    const notFound = (message: RegExp) =>
      expect.objectContaining({ code: 'ERR_LAYER_NOT_FOUND', message: expect.stringMatching(message) });
    expect(resolve('block/rely')).toThrowError(notFound(/did you mean block\/relu/));
    expect(resolve('head')).toThrowError(notFound(/its shape is \[\?,5\]/));
    expect(resolve(-9)).toThrowError(notFound(/-1 to -5/));
    expect(resolve(2)).toThrowError(notFound(/no layer is called "2"/));
    expect(resolve([])).toThrowError(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  });
});
