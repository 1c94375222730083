import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { goldenGraphLabels, loadGoldenGraph } from './golden-graphs.ts';
import { hash, uniform } from './seeded-weights.ts';

describe('seeded weights', () => {
  it('are those of the Python generator', () => {
    // From test/golden/weights.py: hashes(7, 3), uniform(7, 3, 0.3, 0.1).
    expect([0, 1, 2].map(i => hash(7, i))).toEqual([306538094, 2116646135, 4121212093]);
    expect([...uniform(7, 3, 0.3, 0.1)]).toEqual([-0.15717713534832, 0.09569201618432999, 0.3757266402244568]);
  });
});

describe('golden graphs', () => {
  const labels = goldenGraphLabels();

  it('cover both exporters', () => {
    expect(new Set(labels.map(label => label.split('-')[1]))).toEqual(new Set(['legacy', 'dynamo']));
  });

  // One small graph of each exporter: the others are run by the tests of lib/autodiff.
  it.each(['shufflenet_v2_x1_0-legacy-13', 'shufflenet_v2_x1_0-dynamo-20'])(
    '%s gives the logits of PyTorch',
    async label => {
      const graph = loadGoldenGraph(label);
      const session = await InferenceSession.create(graph.model, { intraOpNumThreads: 1 });
      const input = new Tensor('float32', graph.input.data, [...graph.input.dims]);
      const { logits } = await session.run({ [graph.input.name]: input });
      await session.release();
      const expected = graph.logits.flat();
      const data = logits?.data as Float32Array;
      expect(data.length).toBe(expected.length);
      expected.forEach((value, i) => {
        expect(data[i]).toBeCloseTo(value, 4);
      });
    },
  );
});
