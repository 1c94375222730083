import { describe, expect, it } from 'vitest';
import { Session } from '../../../lib/engine/session.ts';
import type { Tensor } from '../../../lib/engine/tensor.ts';
import { float } from '../../../lib/model/graph/attributes.ts';
import { type GraphNode, makeNode } from '../../../lib/model/graph/graph.ts';
import { loadModel } from '../../../lib/model/load-model.ts';
import { quantizeWeights } from '../../../lib/model/rewrite/int8/quantize-weights.ts';
import { int8Levels } from '../../../lib/network/int8-levels.ts';
import { makeInt8 } from '../../../lib/network/int8-versions.ts';
import { readoutHead } from '../../../lib/plan/readout.ts';
import { networkGraph } from '../../../lib/plan/scoring-graphs.ts';
import { SHIFT } from '../../../lib/scoring/int8-version.ts';
import { correlation } from '../../helpers/correlation.ts';
import { buildModel, type ModelSpec, noise, type WeightSpec } from '../../helpers/model-builder.ts';

type Body = { nodes: readonly GraphNode[]; weights?: Readonly<Record<string, WeightSpec>>; channels?: number };

const pads = [1, 1, 1, 1];
const conv = (x: string, w: string, y: string, attributes = {}, ...bias: string[]) =>
  makeNode('Conv', [x, w, ...bias], [y], { pads, ...attributes });

/** A float stem [N,8,16,16], the body from `s` to `e`, pooling and a linear head. */
function network({ nodes, weights, channels = 8 }: Body, opset = 17): ModelSpec {
  return {
    nodes: [
      conv('x', 'ws', 'c', {}, 'bs'),
      makeNode('Relu', ['c'], ['s']),
      ...nodes,
      makeNode('GlobalAveragePool', ['e'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'wf', 'bf'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
    outputs: [{ name: 'y', dims: ['N', 12] }],
    initializers: {
      ws: noise([8, 3, 3, 3], 1, 0.4),
      bs: noise([8], 2, 0.3),
      wf: noise([12, channels], 3),
      bf: noise([12], 14, 0.1),
      w: noise([8, 8, 3, 3], 4, 0.2),
      v: noise([8, 8, 3, 3], 5, 0.2),
      b: noise([8], 6, 0.3),
      ...weights,
    },
    opset,
  };
}

const batchNormalisation = (x: string, y: string) =>
  makeNode('BatchNormalization', [x, 'scale', 'shift', 'mean', 'variance'], [y]);
const statistics = {
  // One channel is turned round, one is off.
  scale: { dims: [8], data: [1, 2, -1.5, 0.5, 0, 1, 3, 0.1] },
  shift: noise([8], 8, 0.5),
  mean: noise([8], 9, 0.5),
  variance: { dims: [8], data: [1, 2, 0.5, 1, 1, 4, 1, 0.2] },
};

const BODIES: Readonly<Record<string, Body>> = {
  'a convolution with a bias': { nodes: [conv('s', 'w', 'a', {}, 'b'), makeNode('Relu', ['a'], ['e'])] },
  'two without one': { nodes: [conv('s', 'w', 'a'), makeNode('Relu', ['a'], ['r']), conv('r', 'v', 'e')] },
  grouped: {
    nodes: [conv('s', 'wg', 'a', { group: 2 }), makeNode('Relu', ['a'], ['r']), conv('r', 'v', 'e')],
    weights: { wg: noise([8, 4, 3, 3], 7, 0.3) },
  },
  'depthwise, with strides and dilation': {
    nodes: [
      conv('s', 'w', 'a', { dilations: [2, 2], pads: [2, 2, 2, 2] }, 'b'),
      makeNode('Clip', ['a', 'low', 'high'], ['r']),
      conv('r', 'wd', 'd', { group: 8, strides: [2, 2] }, 'b'),
      makeNode('Clip', ['d', 'low', 'high'], ['q']),
      conv('q', 'v', 'e'),
    ],
    weights: { wd: noise([8, 1, 3, 3], 7, 0.5), low: { dims: [], data: [0] }, high: { dims: [], data: [6] } },
  },
  'batch normalisation': {
    nodes: [
      conv('s', 'w', 'a', {}, 'b'),
      batchNormalisation('a', 'n'),
      makeNode('Relu', ['n'], ['r']),
      conv('r', 'v', 'e', {}, 'b'),
    ],
    weights: statistics,
  },
  'a residual sum': {
    nodes: [
      conv('s', 'w', 'a', {}, 'b'),
      makeNode('Relu', ['a'], ['r']),
      conv('r', 'v', 'q', {}, 'b'),
      makeNode('Add', ['q', 'r'], ['t']),
      makeNode('Relu', ['t'], ['u']),
      conv('u', 'w', 'e'),
    ],
  },
  'a join, a pool, and a move': {
    nodes: [
      conv('s', 'w', 'a'),
      conv('s', 'v', 'q'),
      makeNode('Concat', ['a', 'q'], ['t'], { axis: 1 }),
      makeNode('MaxPool', ['t'], ['m'], { kernel_shape: [2, 2], strides: [2, 2] }),
      makeNode('Transpose', ['m'], ['u'], { perm: [0, 1, 3, 2] }),
      conv('u', 'w16', 'e'),
    ],
    weights: { w16: noise([8, 16, 3, 3], 7, 0.2) },
  },
  'squeeze and excitation, hard swish': {
    nodes: [
      conv('s', 'w', 'a', {}, 'b'),
      makeNode('HardSwish', ['a'], ['h']),
      makeNode('GlobalAveragePool', ['h'], ['g']),
      makeNode('Conv', ['g', 'w1', 'b'], ['g1'], {}),
      makeNode('HardSigmoid', ['g1'], ['g2']),
      makeNode('Mul', ['h', 'g2'], ['t']),
      conv('t', 'v', 'e', {}, 'b'),
    ],
    weights: { w1: noise([8, 8, 1, 1], 7, 0.5) },
  },
  'a bound on the wrong side of zero': {
    nodes: [conv('s', 'w', 'a'), makeNode('Clip', ['a', 'low'], ['r']), conv('r', 'v', 'e')],
    weights: { low: { dims: [], data: [0.5] } },
  },
  'a matrix product and a leaky activation': {
    nodes: [
      makeNode('Transpose', ['s'], ['t'], { perm: [0, 2, 3, 1] }),
      makeNode('MatMul', ['t', 'wm'], ['a']),
      makeNode('LeakyRelu', ['a'], ['r'], { alpha: float(0.1) }),
      makeNode('MatMul', ['r', 'wm'], ['q']),
      makeNode('Transpose', ['q'], ['e'], { perm: [0, 3, 1, 2] }),
    ],
    weights: { wm: noise([8, 8], 7, 0.5) },
  },
  'a convolution of dead channels': {
    nodes: [conv('s', 'w', 'a', {}, 'dead'), makeNode('Relu', ['a'], ['r']), conv('r', 'v', 'e')],
    weights: { dead: { dims: [8], data: [-1e6, 0, 0, -1e6, 0, 0, 0, 0] } },
  },
};

async function bothScores(spec: ModelSpec, batch = 2, levels?: number) {
  const model = await loadModel(buildModel(spec), {
    createSession: (bytes, options) => Session.create(bytes, options),
  });
  const scoring = networkGraph(model, model.facts, readoutHead(model.logits, undefined));
  const made = (await makeInt8(scoring, model.facts, 1, {}, { levels }))!;
  const classes = 12;
  const x = noise([batch, 3, 16, 16], 11);
  const image: Tensor = { type: 'float32', dims: [batch, 3, 16, 16], data: Float32Array.from(x.data as Float32Array) };
  const fed = { ...image, dims: [1, ...image.dims.slice(1)] };
  const ranges = new Float64Array(made.values);
  const float: number[] = [];
  for (let n = 0; n < batch; n++) {
    const data = (image.data as Float32Array).slice(n * 768, (n + 1) * 768);
    const outputs = await made.session.run({ x: { ...fed, data } as Tensor }, [made.rows, scoring.output]);
    const rows = outputs[made.rows]!.data as Float32Array;
    for (let i = 0; i < made.values; i++)
      ranges[i] = i % 2 === 1 ? Math.max(ranges[i]!, rows[i]!) : Math.min(ranges[i]!, rows[i]!);
    float.push(...(outputs[scoring.output]!.data as Float32Array));
  }
  const { session, output } = await made.open(ranges);
  const shift: Tensor = { type: 'float32', dims: [classes], data: new Float32Array(classes) };
  const scores = (await session.run({ x: image, [SHIFT]: shift }, [output]))[output]!.data as Float32Array;
  await Promise.all([session.dispose(), made.session.dispose()]);
  return { float: Float32Array.from(float), int8: scores };
}

describe('the int8 version of a network', () => {
  for (const [name, body] of Object.entries(BODIES))
    it(`has the scores of the float one: ${name}`, async () => {
      const { float: wanted, int8 } = await bothScores(network(body));
      expect([...int8].every(Number.isFinite)).toBe(true);
      expect(int8).not.toEqual(wanted);
      expect(correlation(int8, wanted)).toBeGreaterThan(0.998);
      const spread = Math.sqrt(wanted.reduce((sum, value) => sum + value ** 2, 0) / wanted.length);
      expect(Math.max(...int8.map((value, i) => Math.abs(value - wanted[i]!)))).toBeLessThan(0.08 * spread);
    });

  it.each([8, 9, 11, 13, 18, 21])('in operator set %i', async opset => {
    const { float: wanted, int8 } = await bothScores(network(BODIES['a residual sum']!, opset));
    expect(correlation(int8, wanted)).toBeGreaterThan(0.998);
  });

  it('is of random networks as near', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = (n: number) => Math.abs(Math.trunc(Math.sin(seed * 97 + n) * 1e4));
      const nodes: GraphNode[] = [];
      let from = 's';
      for (let i = 0; i < 2 + (random(0) % 4); i++) {
        const to = i === 0 ? 'first' : `t${i}`;
        const depthwise = i > 0 && random(i) % 3 === 0;
        nodes.push(
          conv(from, depthwise ? 'wd' : ['w', 'v'][random(i) % 2]!, `c${i}`, { group: depthwise ? 8 : 1 }, 'b'),
        );
        const residual = i > 1 && random(i + 9) % 2 === 0;
        if (residual) nodes.push(makeNode('Add', [`c${i}`, 'first'], [`a${i}`]));
        nodes.push(
          makeNode(['Relu', 'HardSwish', 'Sigmoid'][random(i + 5) % 3]!, [residual ? `a${i}` : `c${i}`], [to]),
        );
        from = to;
      }
      nodes.push(makeNode('Identity', [from], ['e']));
      const weights = { wd: noise([8, 1, 3, 3], seed, 0.5), w: noise([8, 8, 3, 3], seed + 50, 0.2) };
      const { float: wanted, int8 } = await bothScores(network({ nodes, weights }));
      expect([seed, correlation(int8, wanted) > 0.99, [...int8].every(Number.isFinite)]).toEqual([seed, true, true]);
    }
  });

  it('does not exist where only the first and the last operator have weights', async () => {
    const bytes = buildModel(network({ nodes: [makeNode('Identity', ['s'], ['e'])] }));
    const model = await loadModel(bytes, { createSession: (given, options) => Session.create(given, options) });
    const scoring = networkGraph(model, model.facts, readoutHead(model.logits, undefined));
    expect(await makeInt8(scoring, model.facts, 1, {})).toBeUndefined();
  });
});

describe('int8 products', () => {
  it('are of 8 bits, or of 7 where two of them overflow', async () => {
    expect([63, 127]).toContain(await int8Levels({}));
  });

  it.each(Object.keys(BODIES))('of weights of 7 bits are near as well: %s', async name => {
    const { float: wanted, int8 } = await bothScores(network(BODIES[name]!), 2, 63);
    expect(correlation(int8, wanted)).toBeGreaterThan(0.995);
  });

  it('two of weights of 7 bits fit into 16 bits, whatever is multiplied', async () => {
    const floats = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i) * 10 ** (i % 5));
    const unit = { kind: 'conv', channels: 4, channelsFirst: true, factor: Float32Array.of(1, -2, 0, 0.5) } as const;
    const { values, steps } = await quantizeWeights(unit, floats, 63);
    expect(2 * 255 * Math.max(...values.map(Math.abs))).toBeLessThan(2 ** 15);
    for (let i = 0; i < 64; i++) {
      const c = i >> 4;
      if (unit.factor[c] === 0) expect(values[i]).toBe(0);
      else expect(Math.abs(values[i]! * steps[c]! - floats[i]! * unit.factor[c]!)).toBeLessThan(0.51 * steps[c]!);
    }
  });

  it('are rounded in slices, between which the event loop turns', async () => {
    const floats = new Float32Array(2 ** 21).fill(0.5);
    let turns = 0;
    const timer = () => {
      turns++;
      immediate = setImmediate(timer);
    };
    let immediate = setImmediate(timer);
    const unit = { kind: 'matmul', channels: 512, channelsFirst: false, factor: undefined } as const;
    await quantizeWeights(unit, floats, 127);
    clearImmediate(immediate);
    expect(turns).toBeGreaterThanOrEqual(14);
  });
});
