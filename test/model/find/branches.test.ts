import { describe, expect, it } from 'vitest';
import { load } from '../../helpers/load.ts';
import { Sketch } from '../../helpers/sketch.ts';

const reasonsOf = async (bytes: Uint8Array) =>
  (await load(bytes)).automatic.map(
    ({ operator, shape, reason }) => `${operator} ${shape.slice(1).join('×')}: ${reason}`,
  );

/** Class token and 60 patches, after two blocks. */
const tower = (s: Sketch) => s.norm(s.encoder(s.encoder(s.withClass(s.tokens(s.patches(8), 8), 8), 8), 8), 8);

describe('branches', () => {
  it('each give their last layer, with the reason', async () => {
    const s = new Sketch();
    const logits = [0, 1].map(() => s.linear(s.pick(tower(s), 1, 0), 8, 5));
    const reason = 'last layer of one of 2 branches (LayerNormalization): none lies on every path to the class scores';
    expect(await reasonsOf(s.finish(s.op('Add', logits)))).toEqual(
      new Array(2).fill(`LayerNormalization 61×8: ${reason}`),
    );
  });

  it('of a transformer that mixes scales are the tokens that enter the last attentions', async () => {
    const s = new Sketch();
    const fine = s.withClass(s.tokens(s.patches(8), 8), 8);
    const coarse = s.withClass(s.tokens(s.conv(s.patches(8), 8, 8, 2, 2), 8), 8);
    // Each scale's class token looks at its own patches, then the class tokens are added up.
    const [one, other] = [fine, coarse].map(x => s.pick(s.encoder(s.encoder(x, 8), 8), 1, 0)) as [string, string];
    const found = await reasonsOf(s.classify(s.op('Add', [one, other]), 8));
    expect(found.map(text => text.split(':')[0])).toEqual(['LayerNormalization 61×8', 'LayerNormalization 16×8']);
  });

  it('are none in an ordinary network: attention pooling, gates, class attention block for block', async () => {
    const s = new Sketch();
    const patches = s.encoder(s.tokens(s.patches(8), 8), 8);
    let token = s.learnt(patches, 1, 8);
    for (let i = 0; i < 2; i++) {
      const all = s.norm(s.op('Concat', [token, patches], { axis: 1 }), 8);
      token = s.op('Add', [token, s.attention(s.slice(all, 1, 0, 1), all, 8)]);
    }
    const found = await reasonsOf(s.classify(s.reshape(token, 0, 8), 8));
    expect(found).toEqual(['LayerNormalization 61×8: normalised input of the last attention (LayerNormalization)']);
  });
});

describe('the last attention', () => {
  it('is entered where its keys come from if its queries come from elsewhere', async () => {
    const s = new Sketch();
    const stem = s.tokens(s.patches(8), 8);
    // Queries of the whole stage, as in GCViT.
    const queries = s.norm(stem, 8);
    let x = stem;
    for (let i = 0; i < 2; i++) x = s.encoder(x, 8, normed => s.attention(queries, normed, 8));
    const { chosen, layers } = await load(s.classify(s.op('ReduceMean', [x], { axes: [1], keepdims: 0 }), 8));
    const norms = layers.filter(({ normalized }) => normalized);
    expect(chosen!.name).toBe(norms.at(-2)!.name);
  });

  it('is entered at its normalised tokens, not at queries that are pooled', async () => {
    const s = new Sketch();
    const normed = s.norm(s.transpose(s.patches(8), 0, 2, 3, 1), 8);
    const maps = s.transpose(s.linear(normed, 8, 8), 0, 3, 1, 2);
    const queries = s.tokens(s.op('MaxPool', [maps], { kernel_shape: [2, 2], strides: [2, 2] }), 8);
    const keys = s.reshape(s.linear(normed, 8, 8), 0, 60, 8);
    const weights = s.op('Softmax', [s.op('MatMul', [queries, s.transpose(keys, 0, 2, 1)])], { axis: -1 });
    const out = s.op('MatMul', [weights, keys]);
    const { chosen } = await load(s.classify(s.op('ReduceMean', [out], { axes: [1], keepdims: 0 }), 8));
    expect(chosen).toMatchObject({ normalized: true, spatial: [6, 10], layout: 'nhwc' });
  });

  it('is found over a single row of positions, as of a line of text', async () => {
    const s = new Sketch();
    const row = s.op('MaxPool', [s.relu(s.patches(8))], { kernel_shape: [6, 1], strides: [6, 1] });
    const x = s.encoder(s.tokens(row, 8), 8);
    const { chosen } = await load(s.classify(s.op('ReduceMean', [x], { axes: [1], keepdims: 0 }), 8));
    expect(chosen).toMatchObject({ normalized: true, attended: true, tokens: { grid: [1, 10], prefix: 0 } });
  });
});
