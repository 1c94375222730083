/** How Relevance-CAM and LIFT-CAM behave in calls: targets, batches, layers, what they refuse. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Explainer, load } from '../../lib/index.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { classIndex, contrast, probability, topK } from '../../lib/targets/index.ts';
import { attribute } from '../helpers/attributions.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one } from '../helpers/explain-models.ts';
import { loadGoldenGraph } from '../helpers/golden-graphs.ts';
import { load as loadModel } from '../helpers/load.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { vitModel } from '../helpers/transformer-models.ts';

const METHODS = ['relevance-cam', 'lift-cam'];

async function withModel<T>(source: Uint8Array, use: (cam: Explainer) => Promise<T>): Promise<T> {
  const cam = await load(source);
  try {
    return await use(cam);
  } finally {
    await cam.dispose();
  }
}

const scaleOf = (values: Float32Array) => Math.max(...values.map(Math.abs));

/** In front of overlapping pools with a stride, whose gradient has another form for many scores of one image. */
const DEEP = { graph: 'resnet18-legacy-17', layer: 'conv1' };

describe('targets and images', () => {
  it('one image with several targets, and a batch, give what each gives alone', async () => {
    const { model, input } = loadGoldenGraph(DEEP.graph);
    await withModel(model, async cam => {
      const layer = cam.layers()[0]!.name;
      expect(layer).toContain(DEEP.layer);
      const [, ...dims] = input.dims;
      const size = input.data.length / 2;
      const image = (n: number) => ({
        type: 'float32' as const,
        data: input.data.slice(n * size, (n + 1) * size),
        dims: [1, ...dims],
      });
      const batch = { type: 'float32' as const, data: input.data, dims: input.dims };
      const methods = ['grad-cam', ...METHODS];
      const [together, several] = [
        flat(await cam.explain(batch, { methods, layer, target: [3, 11] })),
        flat(await cam.explain(image(1), { methods, layer, target: topK(2) })),
      ];
      for (const [m, method] of methods.entries()) {
        for (const n of [0, 1]) {
          const alone = one(await cam.explain(image(n), { method, layer, target: n === 0 ? 3 : 11 }));
          expect(alone.status).toBe('ok');
          expectClose(together[n * methods.length + m]!.raw.data, alone.raw.data, 1e-4 * scaleOf(alone.raw.data));
        }
        for (const result of several.slice(2 * m, 2 * m + 2)) {
          const alone = one(await cam.explain(image(1), { method, layer, target: result.target.index }));
          expectClose(result.raw.data, alone.raw.data, 1e-4 * scaleOf(alone.raw.data));
          expect(result.runs.network).toBe(1);
        }
      }
    });
  });

  it('a combination of classes gives the combination of their maps', async () => {
    const { model, input } = loadGoldenGraph('squeezenet1_1-legacy-13');
    const image = { type: 'float32' as const, data: input.data.slice(0, input.data.length / 2), dims: [1, 3, 96, 96] };
    await withModel(model, async cam => {
      for (const method of METHODS) {
        const map = async (target: Parameters<Explainer['explain']>[1] & object) =>
          one(await cam.explain(image, { method, ...target })).raw.data;
        const [first, second] = [await map({ target: 4 }), await map({ target: 7 })];
        const difference = await map({ target: contrast(classIndex(4), classIndex(7)) });
        const expected = first.map((value, i) => value - second[i]!);
        expectClose(difference, expected, 1e-4 * scaleOf(first));
      }
    });
  });

  it('only LIFT-CAM takes functions of the logits', async () => {
    await withModel(readFileSync(new URL('../golden/relevance/plain.onnx', import.meta.url)), async cam => {
      const image = noiseImage([1, 3, 16, 16]);
      const target = probability(1);
      expect(one(await cam.explain(image, { method: 'lift-cam', target })).raw.data.some(value => value !== 0)).toBe(
        true,
      );
      await expectError(
        () => cam.explain(image, { method: 'relevance-cam', target }),
        'ERR_METHOD_UNSUPPORTED',
        'relevance-cam',
        'logits',
      );
      expect([...cam.unsupported([...METHODS, 'grad-cam'], { target }).keys()]).toEqual(['relevance-cam']);
    });
  });
});

describe('layers', () => {
  it('several are fused, or explained one by one', async () => {
    const { model, input } = loadGoldenGraph('efficientnet_b0-legacy-17');
    const [, ...dims] = input.dims;
    const image = { type: 'float32' as const, data: input.data.slice(0, input.data.length / 2), dims: [1, ...dims] };
    await withModel(model, async cam => {
      const fused = flat(await cam.explain(image, { methods: METHODS, layer: 'stages' }));
      const single = flat(await cam.explain(image, { methods: METHODS, layer: 'stages', fuse: false }));
      expect(fused).toHaveLength(2);
      const stages = single.length / 2;
      expect(stages).toBeGreaterThan(2);
      for (const [m, { raw, status }] of fused.entries()) {
        expect(status).toBe('ok');
        expect(raw.width).toBe(single[m * stages]!.raw.width);
      }
      expect(new Set(single.map(({ raw }) => raw.width)).size).toBe(stages);
    });
  });

  it('tokens have LIFT-CAM, with the class token kept out of the map', async () => {
    await withModel(vitModel(), async cam => {
      const result = one(await cam.explain(noiseImage([1, 3, 12, 20]), { method: 'lift-cam', target: 2 }));
      expect(result).toMatchObject({ status: 'ok', raw: { dims: [3, 5] } });
    });
  });
});

it('relevance passes the attention and the normalisations of a vision transformer', async () => {
  await withModel(vitModel(), async cam => {
    const result = await cam.explain(noiseImage([1, 3, 12, 20]), { method: 'relevance-cam' });
    expect(result.status).toBe('ok');
    expect([...cam.unsupported(['layer-cam', ...METHODS]).keys()]).toEqual([]);
  });
});

describe('what relevance has no rule for', () => {
  it('is named with its node, and other methods run', async () => {
    const model = buildModel({
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c']),
        makeNode('Relu', ['c'], ['r']),
        makeNode('ReduceProd', ['r'], ['y'], { axes: [2, 3], keepdims: 0 }),
      ],
      inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: { w: noise([5, 3, 3, 3], 1, 0.5) },
    });
    await withModel(model, async cam => {
      const explain = () => cam.explain(noiseImage([1, 3, 8, 8]), { method: 'relevance-cam' });
      await expectError(explain, 'ERR_NO_GRADIENT', 'ReduceProd', 'node ', 'layer-cam');
      expect([...cam.unsupported(['layer-cam', ...METHODS]).keys()]).toEqual(['relevance-cam']);
    });
  });

  it.each([
    ['Mul', ['r', 'q'], /Mul \(node "meet"\).*neither of which is a gate/],
    ['Div', ['r', 'q'], /Div \(node "meet"\).*divisor/],
  ] as const)('%s of two features', async (op, inputs, message) => {
    const model = buildModel({
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
        makeNode('Relu', ['c'], ['r']),
        makeNode('Conv', ['r', 'v'], ['q'], { pads: [1, 1, 1, 1] }),
        makeNode(op, [...inputs], ['m'], {}, { name: 'meet' }),
        makeNode('GlobalAveragePool', ['m'], ['p']),
        makeNode('Flatten', ['p'], ['f']),
        makeNode('Gemm', ['f', 'u', 'b'], ['y'], { transB: 1 }),
      ],
      inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: {
        w: noise([4, 3, 3, 3], 1, 0.5),
        v: noise([4, 4, 3, 3], 2, 0.5),
        u: noise([5, 4], 3),
        b: noise([5], 4),
      },
    });
    await withModel(model, async cam => {
      const image = noiseImage([1, 3, 8, 8]);
      const failed = await cam.explain(image, { method: 'relevance-cam', layer: 'r' }).catch(error => error);
      expect(failed.code).toBe('ERR_NO_GRADIENT');
      expect(failed.message).toMatch(message);
    });
  });
});

describe('quantised networks', () => {
  it.each(['qdq', 'qoperator', 'dynamic'])('%s: contributions are those of the steps', async name => {
    const file = gunzipSync(readFileSync(new URL(`../golden/quantised/${name}.onnx.gz`, import.meta.url)));
    const golden = JSON.parse(readFileSync(new URL('../golden/quantised/golden.json', import.meta.url), 'utf8'));
    const model = await loadModel(file);
    const layers = model.layers.filter(({ dominating }) => dominating);
    const images = { type: 'float32' as const, data: Float32Array.from(golden.image), dims: golden.dims as number[] };
    for (const { name: layer } of [layers[1]!, layers.at(-1)!]) {
      const found = await attribute(model, { images, targets: [golden.class], layer });
      expect(found.contributions[0]! / found.differences[0]!).toBeCloseTo(1, 4);
      expect(found.relevance[0]!.size).toBeGreaterThan(0);
    }
  });
});
