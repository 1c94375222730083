import { describe, expect, it } from 'vitest';
import { load } from '../../lib/index.ts';
import { listMethods } from '../../lib/methods/list.ts';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { graph } from '../../lib/targets/index.ts';
import { image, network } from '../helpers/choice-networks.ts';
import { buildModel, int64, noise } from '../helpers/model-builder.ts';
import { residualModel, vggModel } from '../helpers/small-models.ts';

/** Without those of transformers (test/explain/attention.test.ts). */
const listed = listMethods().filter(({ needs }) => !needs.attention && !needs.scores?.includes('block'));
const all = listed.map(({ name }) => name);
const withGradients = listed.filter(({ needs }) => needs.gradients).map(({ name }) => name);

async function unsupported(
  model: Uint8Array,
  methods = all,
  options: Parameters<Awaited<ReturnType<typeof load>>['unsupported']>[1] = {},
) {
  const cam = await load(model);
  try {
    return Object.fromEntries([...cam.unsupported(methods, options)].map(([method, { code }]) => [method, code]));
  } finally {
    await cam.dispose();
  }
}

/** Hardmax has no useful gradient, and no rule. */
const withoutGradient = () =>
  buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
      makeNode('Relu', ['c'], ['r']),
      makeNode('Hardmax', ['r'], ['m'], { axis: 1 }, { name: 'gate' }),
      makeNode('GlobalAveragePool', ['m'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'v', 'b'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w: noise([4, 3, 3, 3], 1, 0.5), v: noise([5, 4], 2), b: noise([5], 3) },
  });

describe('Explainer.unsupported', () => {
  it('is empty for a network that every method of this list works on', async () => {
    expect(await unsupported(residualModel(), ['cam', ...withGradients])).toEqual({});
  });

  it('names CAM where no linear classifier follows global pooling', async () => {
    expect(await unsupported(vggModel(), ['cam', ...withGradients])).toEqual({ cam: 'ERR_METHOD_UNSUPPORTED' });
  });

  it('names every gradient method where an operator has no rule, and says which', async () => {
    const cam = await load(withoutGradient());
    const found = cam.unsupported(all, { layer: 'r' });
    await cam.dispose();
    for (const method of withGradients) expect(found.get(method)?.code).toBe('ERR_NO_GRADIENT');
    expect(found.get('grad-cam')!.message).toMatch(/Hardmax.*gate|gate.*Hardmax/);
    expect(found.has('eigen-cam')).toBe(false);
  });

  it('follows the target: CAM explains logits alone', async () => {
    expect(
      await unsupported(residualModel(), ['cam', 'grad-cam'], {
        target: { kind: 'view', view: 'probability', of: { kind: 'class', index: 1 } },
      }),
    ).toEqual({
      cam: 'ERR_METHOD_UNSUPPORTED',
    });
  });

  it('follows the layer', async () => {
    expect(await unsupported(residualModel(), ['cam', 'grad-cam'], { layer: 'r1' })).toEqual({
      cam: 'ERR_METHOD_UNSUPPORTED',
    });
    expect(await unsupported(residualModel(), ['fem'], { layer: 'nowhere' })).toEqual({ fem: 'ERR_LAYER_NOT_FOUND' });
  });

  it('throws what no choice of methods mends', async () => {
    await expect(unsupported(residualModel(), all, { target: 5 })).rejects.toMatchObject({ code: 'ERR_TARGET_RANGE' });
    await expect(unsupported(residualModel(), ['grad-kam'])).rejects.toMatchObject({ code: 'ERR_METHOD_UNKNOWN' });
    await expect(unsupported(residualModel(), ['fem'], { params: { gamma: 1 } })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
    });
  });

  it.each<[string, GraphNode[], readonly number[]]>([
    ['class maps', [makeNode('Conv', ['a', 'wk'], ['y'])], [1, 2, 3]],
    [
      'steps before the pictures',
      [makeNode('Unsqueeze', ['z', 'front'], ['u']), makeNode('Concat', ['u', 'u'], ['y'], { axis: 0 })],
      [0, 2],
    ],
    ['one value for each position', [makeNode('ReduceMean', ['a'], ['y'], { axes: [1], keepdims: 0 })], [1, 2]],
  ])('a graph() of %s: what explain would say', async (_, nodes, axes) => {
    const weights = { wk: noise([5, 8, 1, 1], 4), front: int64(0) };
    const cam = await load(network(nodes, { outputs: [{ name: 'y' }], weights }));
    const target = graph(
      buildModel({
        nodes: [makeNode('ReduceMean', ['y'], ['score'], { axes, keepdims: 0 })],
        inputs: [{ name: 'y' }],
        outputs: [{ name: 'score' }],
      }),
    );
    const methods = ['grad-cam', 'layer-cam', 'eigen-cam', 'finer-cam', 'd-rise', 'cam'];
    const refused = [...cam.unsupported(methods, { target })].map(([method]) => method);
    for (const method of methods) {
      const error = await cam.explain(image, { method, target, params: method === 'd-rise' ? { n: 2 } : {} }).then(
        () => undefined,
        error => error,
      );
      expect([method, refused.includes(method)], error?.message).toEqual([method, error !== undefined]);
    }
    expect(refused).not.toContain('grad-cam');
    await cam.dispose();
  });
});
