import { describe, expect, it } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { float32Tensor } from '../../lib/engine/tensor.ts';
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
      const session = await Session.create(graph.model, { intraOpNumThreads: 1 });
      const { data: image, dims, name } = graph.input;
      const { logits } = await session.run({ [name]: float32Tensor(image, dims) }, ['logits']);
      await session.dispose();
      const expected = graph.logits.flat();
      const data = logits?.data as Float32Array;
      expect(data.length).toBe(expected.length);
      expected.forEach((value, i) => {
        expect(data[i]).toBeCloseTo(value, 4);
      });
    },
  );
});
