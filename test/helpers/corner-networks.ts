import { Sketch } from './sketch.ts';

export interface CornerNetwork {
  readonly bytes: () => Uint8Array<ArrayBuffer>;
  /** Operator and shape of the automatic layers. */
  readonly chosen: readonly string[];
}

const sketch = (draw: (s: Sketch) => Uint8Array<ArrayBuffer>, ...chosen: string[]): CornerNetwork => ({
  bytes: () => draw(new Sketch()),
  chosen,
});

/** [N,8,6,10] after a residual block of convolutions. */
const features = (s: Sketch) => s.block(s.relu(s.patches(8)), 8);

/** Networks of real kinds whose last layer, or grid, is easily taken wrongly. */
export const NETWORKS: Readonly<Record<string, CornerNetwork>> = {
  'mean over tokens after Flatten': sketch(
    s => s.classify(s.op('ReduceMean', [s.reshape(features(s), 0, 8, -1)], { axes: [2], keepdims: 0 }), 8),
    'Relu 8×6×10',
  ),
  'generalised mean': sketch(s => {
    const cubes = s.op('Pow', [s.op('Clip', [features(s), s.scalar(1e-6)]), s.scalar(3)]);
    return s.classify(s.op('Pow', [s.pool(cubes), s.scalar(1 / 3)]), 8);
  }, 'Clip 8×6×10'),
  'attention pooling (ABMIL) by MatMul': sketch(s => {
    const bag = s.tokens(features(s), 8);
    const gate = s.op('Mul', [s.op('Tanh', [s.linear(bag, 8, 6)]), s.op('Sigmoid', [s.linear(bag, 8, 6)])]);
    const weights = s.op('Softmax', [s.transpose(s.linear(gate, 6, 1), 0, 2, 1)], { axis: -1 });
    return s.classify(s.reshape(s.op('MatMul', [weights, bag]), 0, 8), 8);
  }, 'Relu 8×6×10'),
  'mean and maximum': sketch(s => {
    const x = features(s);
    return s.classify(s.op('Concat', [s.pool(x), s.op('Flatten', [s.op('GlobalMaxPool', [x])])], { axis: 1 }), 16);
  }, 'Relu 8×6×10'),
  'Flatten and linear': sketch(s => s.classify(s.op('Flatten', [features(s)]), 480), 'Relu 8×6×10'),
  'bilinear pooling': sketch(s => {
    const x = s.reshape(features(s), 0, 8, -1);
    const gram = s.op('MatMul', [x, s.transpose(x, 0, 2, 1)]);
    return s.classify(s.op('Sqrt', [s.op('Add', [s.op('Abs', [s.reshape(gram, 0, 64)]), s.scalar(1e-5)])]), 64);
  }, 'Relu 8×6×10'),
  'bilinear pooling of two streams': sketch(
    s => {
      const stem = s.relu(s.conv('x', 3, 8, 3, 2));
      const [a, b] = [0, 1].map(() => s.reshape(s.block(s.relu(s.conv(stem, 8, 8, 3, 2)), 8), 0, 8, -1)) as [
        string,
        string,
      ];
      return s.classify(s.reshape(s.op('MatMul', [a, s.transpose(b, 0, 2, 1)]), 0, 64), 64);
    },
    'Relu 8×6×10',
    'Relu 8×6×10',
  ),
  NetVLAD: sketch(s => {
    const x = features(s);
    const soft = s.op('Softmax', [s.reshape(s.conv(x, 8, 4, 1), 0, 4, -1)], { axis: 1 });
    const sums = s.op('MatMul', [soft, s.tokens(x, 8)]);
    const centres = s.op('Mul', [s.op('ReduceSum', [soft, s.ints(2)], { keepdims: 1 }), s.weight([4, 8])]);
    return s.classify(s.reshape(s.op('Sub', [sums, centres]), 0, 32), 32);
  }, 'Relu 8×6×10'),
  'spatial pyramid pooling': sketch(s => {
    const x = features(s);
    const cells = [
      s.op('MaxPool', [x], { kernel_shape: [3, 5], strides: [3, 5] }),
      s.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] }),
      s.op('GlobalMaxPool', [x]),
    ];
    return s.classify(
      s.op(
        'Concat',
        cells.map(one => s.op('Flatten', [one])),
        { axis: 1 },
      ),
      32 + 120 + 8,
    );
  }, 'Relu 8×6×10'),
  'mean and class token': sketch(s => {
    const x = s.norm(s.encoder(s.encoder(s.withClass(s.tokens(s.patches(8), 8), 8), 8), 8), 8);
    const mean = s.op('ReduceMean', [s.slice(x, 1, 1, 61)], { axes: [1], keepdims: 0 });
    return s.classify(s.op('Concat', [s.pick(x, 1, 0), mean], { axis: 1 }), 16);
  }, 'LayerNormalization 61×8'),
  'class token of linear attention': sketch(s => {
    const mix = (x: string) => {
      const keys = s.op('Softmax', [s.linear(x, 8, 8)], { axis: 1 });
      const context = s.op('MatMul', [s.transpose(keys, 0, 2, 1), s.linear(x, 8, 8)]);
      return s.op('MatMul', [s.linear(x, 8, 8), context]);
    };
    const x = s.encoder(s.encoder(s.withClass(s.tokens(s.patches(8), 8), 8), 8, mix), 8, mix);
    return s.classify(s.pick(s.norm(x, 8), 1, 0), 8);
  }, 'Add 61×8'),
  'registers and distillation token': sketch(s => {
    const x = s.norm(s.encoder(s.encoder(s.withClass(s.tokens(s.patches(8), 8), 8, 6), 8), 8), 8);
    return s.finish(s.op('Add', [s.linear(s.pick(x, 1, 0), 8, 5), s.linear(s.pick(x, 1, 1), 8, 5)]));
  }, 'LayerNormalization 66×8'),
  'parallel attentions of one block': sketch(s => {
    let x = s.withClass(s.tokens(s.patches(8), 8), 8);
    for (let i = 0; i < 2; i++) {
      const [a, b] = [0, 1].map(() => s.norm(x, 8)) as [string, string];
      x = s.op('Add', [x, s.op('Add', [s.attention(a, a, 8), s.attention(b, b, 8)])]);
    }
    return s.classify(s.pick(s.norm(x, 8), 1, 0), 8);
  }, 'LayerNormalization 61×8'),
  'two transformers, mean of their logits': sketch(
    s => {
      const logits = [0, 1].map(() => {
        const x = s.norm(s.encoder(s.encoder(s.withClass(s.tokens(s.patches(8), 8), 8), 8), 8), 8);
        return s.linear(s.pick(x, 1, 0), 8, 5);
      });
      return s.finish(s.op('Mul', [s.op('Add', logits), s.scalar(0.5)]));
    },
    'LayerNormalization 61×8',
    'LayerNormalization 61×8',
  ),
  'convolutions and a transformer, mean of their probabilities': sketch(
    s => {
      const x = s.norm(s.encoder(s.encoder(s.tokens(s.patches(8), 8), 8), 8), 8);
      const one = s.linear(s.op('ReduceMean', [x], { axes: [1], keepdims: 0 }), 8, 5);
      const other = s.linear(s.pool(features(s)), 8, 5);
      const soft = [one, other].map(z => s.op('Softmax', [z], { axis: -1 }));
      return s.finish(s.op('Mul', [s.op('Add', soft), s.scalar(0.5)]));
    },
    'LayerNormalization 60×8',
    'Relu 8×6×10',
  ),
  'two towers on one stem': sketch(
    s => {
      const stem = s.relu(s.conv('x', 3, 8, 3, 2));
      const towers = [0, 1].map(() => s.pool(s.block(s.relu(s.conv(stem, 8, 8, 3, 2)), 8)));
      return s.classify(s.op('Concat', towers, { axis: 1 }), 16);
    },
    'Relu 8×6×10',
    'Relu 8×6×10',
  ),
  'pooled at three stages': sketch(
    s => {
      const first = s.relu(s.patches(8));
      const second = s.block(s.relu(s.conv(first, 8, 8, 3, 2)), 8);
      const third = s.block(s.relu(s.conv(second, 8, 8, 3, 2)), 8);
      return s.classify(
        s.op(
          'Concat',
          [first, second, third].map(x => s.pool(x)),
          { axis: 1 },
        ),
        24,
      );
    },
    'Relu 8×6×10',
    'Relu 8×3×5',
    'Relu 8×2×3',
  ),
  'a squeeze-and-excitation gate at the very end': sketch(s => {
    const x = features(s);
    const gate = s.op('Sigmoid', [s.conv(s.op('GlobalAveragePool', [x]), 8, 8, 1)]);
    return s.classify(s.pool(s.op('Mul', [x, gate])), 8);
  }, 'Mul 8×6×10'),
  'a gate on the pooled vector': sketch(s => {
    const p = s.pool(features(s));
    return s.classify(s.op('Mul', [p, s.op('Sigmoid', [s.linear(p, 8, 8)])]), 8);
  }, 'Relu 8×6×10'),
  'a transposed grid of tokens': sketch(s => {
    // [N,C,h,w] → [N,w,h,C] → [N,w·h,C]: column by column.
    const x = s.reshape(s.transpose(s.patches(8), 0, 3, 2, 1), 0, 60, 8);
    return s.classify(s.op('ReduceMean', [s.encoder(s.encoder(x, 8), 8)], { axes: [1], keepdims: 0 }), 8);
  }, 'Conv 8×6×10'),
  'channels last all through': sketch(s => {
    const x = s.transpose(features(s), 0, 2, 3, 1);
    const y = s.relu(s.linear(x, 8, 8));
    return s.classify(s.op('ReduceMean', [y], { axes: [1, 2], keepdims: 0 }), 8);
  }, 'Relu 6×10×8'),
  'patch merging': sketch(s => {
    const x = s.transpose(s.relu(s.patches(8)), 0, 2, 3, 1);
    const parts = [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ].map(([dy, dx]) => s.slice(s.slice(x, 1, dy!, 6, 2), 2, dx!, 10, 2));
    const merged = s.linear(s.norm(s.op('Concat', parts, { axis: -1 }), 32), 32, 16);
    const tokens = s.reshape(merged, 0, 15, 16);
    return s.classify(s.op('ReduceMean', [s.norm(s.encoder(tokens, 16), 16)], { axes: [1], keepdims: 0 }), 16);
  }, 'LayerNormalization 15×16'),
  'patch merging by Reshape': sketch(s => {
    const x = s.reshape(s.transpose(s.relu(s.patches(8)), 0, 2, 3, 1), 0, 3, 2, 5, 2, 8);
    const merged = s.linear(s.reshape(s.transpose(x, 0, 1, 3, 4, 2, 5), 0, 15, 32), 32, 16);
    return s.classify(s.op('ReduceMean', [s.norm(s.encoder(merged, 16), 16)], { axes: [1], keepdims: 0 }), 16);
  }, 'LayerNormalization 15×16'),
  'patches cut by Reshape alone': sketch(s => {
    const x = s.transpose(s.reshape('x', 0, 3, 6, 4, 10, 4), 0, 2, 4, 3, 5, 1);
    const tokens = s.linear(s.reshape(x, 0, 60, 48), 48, 8);
    return s.classify(s.op('ReduceMean', [s.encoder(s.encoder(tokens, 8), 8)], { axes: [1], keepdims: 0 }), 8);
  }, 'LayerNormalization 60×8'),
  'windows, and back': sketch(s => {
    const x = s.reshape(s.tokens(features(s), 8), 0, 6, 10, 8);
    const windows = s.reshape(s.transpose(s.reshape(x, 0, 2, 3, 2, 5, 8), 0, 1, 3, 2, 4, 5), -1, 15, 8);
    const mixed = s.encoder(windows, 8);
    const back = s.transpose(s.reshape(mixed, -1, 2, 2, 3, 5, 8), 0, 1, 3, 2, 4, 5);
    return s.classify(s.op('ReduceMean', [s.reshape(back, 0, 6, 10, 8)], { axes: [1, 2], keepdims: 0 }), 8);
  }, 'Reshape 6×10×8'),
  'grids (strided windows), and back': sketch(s => {
    const x = s.reshape(s.tokens(features(s), 8), 0, 6, 10, 8);
    const grids = s.reshape(s.transpose(s.reshape(x, 0, 3, 2, 5, 2, 8), 0, 2, 4, 1, 3, 5), -1, 15, 8);
    const mixed = s.encoder(grids, 8);
    const back = s.transpose(s.reshape(mixed, -1, 2, 2, 3, 5, 8), 0, 3, 1, 4, 2, 5);
    return s.classify(s.op('ReduceMean', [s.reshape(back, 0, 6, 10, 8)], { axes: [1, 2], keepdims: 0 }), 8);
  }, 'Reshape 6×10×8'),
  'windows of batches merged as [N·windows]': sketch(s => {
    const x = s.transpose(s.reshape(features(s), 0, 8, 2, 3, 2, 5), 0, 2, 4, 3, 5, 1);
    const mixed = s.encoder(s.reshape(x, -1, 15, 8), 8);
    const back = s.transpose(s.reshape(mixed, -1, 2, 2, 3, 5, 8), 0, 5, 1, 3, 2, 4);
    return s.classify(s.pool(s.reshape(back, -1, 8, 6, 10)), 8);
  }, 'Reshape 8×6×10'),
  'latents that look at the picture (Perceiver)': sketch(s => {
    const tokens = s.norm(s.tokens(s.relu(s.patches(8)), 8), 8);
    const latents = s.learnt(tokens, 4, 8);
    let z = s.op('Add', [latents, s.attention(s.norm(latents, 8), tokens, 8)]);
    z = s.encoder(z, 8);
    return s.classify(s.op('ReduceMean', [z], { axes: [1], keepdims: 0 }), 8);
  }, 'LayerNormalization 60×8'),
  'latents that look twice (Q-Former)': sketch(s => {
    const tokens = s.encoder(s.tokens(s.relu(s.patches(8)), 8), 8);
    let z = s.learnt(tokens, 4, 8);
    for (let i = 0; i < 2; i++) {
      z = s.encoder(z, 8);
      z = s.op('Add', [z, s.attention(s.norm(z, 8), tokens, 8)]);
    }
    return s.classify(s.op('ReduceMean', [z], { axes: [1], keepdims: 0 }), 8);
  }, 'Add 60×8'),
  'recurrence over columns': sketch(s => {
    const x = s.op('ReduceMean', [features(s)], { axes: [2], keepdims: 0 });
    const sequence = s.transpose(x, 2, 0, 1);
    const [, last] = s.ops('GRU', [sequence, s.weight([1, 18, 8]), s.weight([1, 18, 6])], { hidden_size: 6 }, 2);
    return s.classify(s.op('Squeeze', [last!, s.ints(0)]), 6);
  }, 'Relu 8×6×10'),
  'recurrence over columns, the last step': sketch(s => {
    const x = s.transpose(s.reshape(features(s), 0, 48, 10), 2, 0, 1);
    const y = s.op('LSTM', [x, s.weight([1, 24, 48]), s.weight([1, 24, 6])], { hidden_size: 6 });
    return s.classify(s.pick(s.op('Squeeze', [y, s.ints(1)]), 0, -1), 6);
  }, 'Relu 8×6×10'),
  'convolutions over flattened positions': sketch(s => {
    const x = s.reshape(features(s), 0, 8, -1);
    const y = s.relu(s.op('Conv', [x, s.weight([8, 8, 3])], { pads: [1, 1] }));
    return s.classify(s.op('ReduceMean', [y], { axes: [2], keepdims: 0 }), 8);
  }, 'Relu 8×6×10'),
  'space to depth at the end': sketch(
    s => s.classify(s.pool(s.relu(s.conv(s.op('SpaceToDepth', [features(s)], { blocksize: 2 }), 32, 16, 1))), 16),
    'Relu 16×3×5',
  ),
  'the picture and its mirror image, averaged': sketch(s => {
    const flipped = s.slice('x', 3, -1, -41, -1);
    const w = s.weight([8, 3, 4, 4], 0.3);
    const head = s.weight([8, 5]);
    const logits = ['x', flipped].map(x => {
      const y = s.relu(s.op('Conv', [x, w], { strides: [4, 4] }));
      return s.op('MatMul', [s.pool(y), head]);
    });
    return s.finish(s.op('Add', logits));
  }, 'Relu 8×6×10'),
  'the mirror image alone': sketch(s =>
    s.classify(s.pool(s.block(s.relu(s.patches(8, s.slice('x', 3, -1, -41, -1))), 8)), 8),
  ),
  'a picture turned by a Transpose': sketch(s =>
    s.classify(s.pool(s.block(s.relu(s.patches(8, s.transpose('x', 0, 1, 3, 2))), 8)), 8),
  ),
  'two pictures side by side in one input': sketch(s => {
    const w = s.weight([8, 3, 4, 4], 0.3);
    const halves = [0, 20].map(start => s.slice('x', 3, start, start + 20));
    const vectors = halves.map(half => s.pool(s.relu(s.op('Conv', [half, w], { strides: [4, 4] }))));
    return s.classify(s.op('Concat', vectors, { axis: 1 }), 16);
  }),
  'padded to windows, and cut again': sketch(s => {
    const x = s.op('Pad', [s.transpose(s.relu(s.patches(8)), 0, 2, 3, 1), s.ints(0, 0, 0, 0, 0, 6, 2, 0)]);
    const windows = s.reshape(s.transpose(s.reshape(x, 0, 3, 4, 3, 4, 8), 0, 1, 3, 2, 4, 5), -1, 16, 8);
    const back = s.transpose(s.reshape(s.encoder(windows, 8), -1, 3, 3, 4, 4, 8), 0, 1, 3, 2, 4, 5);
    const whole = s.slice(s.slice(s.reshape(back, 0, 12, 12, 8), 1, 0, 6), 2, 0, 10);
    return s.classify(s.op('ReduceMean', [s.relu(whole)], { axes: [1, 2], keepdims: 0 }), 8);
  }, 'Relu 6×10×8'),
  'mirrored, and mirrored back': sketch(s => {
    const flipped = s.relu(s.patches(8, s.slice('x', 3, -1, -41, -1)));
    return s.classify(s.pool(s.relu(s.conv(s.slice(flipped, 3, -1, -41, -1), 8, 8))), 8);
  }, 'Relu 8×6×10'),
  'columns looked up in another order': sketch(s => {
    const mixed = s.op('Gather', ['x', s.ints(...Array.from({ length: 40 }, (_, i) => (i * 7) % 40))], { axis: 3 });
    return s.classify(s.pool(s.relu(s.patches(8, mixed))), 8);
  }),
  'a mixture of experts with a gate': sketch(s => {
    const x = s.relu(s.patches(8));
    const gate = s.op('Softmax', [s.linear(s.pool(x), 8, 2)], { axis: -1 });
    const experts = [0, 1].map(i => {
      const weight = s.reshape(s.slice(gate, 1, i, i + 1), 0, 1, 1, 1);
      return s.op('Mul', [s.block(x, 8), weight]);
    });
    return s.classify(s.pool(s.op('Add', experts)), 8);
  }, 'Add 8×6×10'),
  'experts joined as logits': sketch(
    s => {
      const x = s.relu(s.patches(8));
      const gate = s.op('Softmax', [s.linear(s.pool(x), 8, 2)], { axis: -1 });
      const logits = [0, 1].map(i =>
        s.op('Mul', [s.linear(s.pool(s.block(s.relu(s.conv(x, 8, 8, 3, 2)), 8)), 8, 5), s.slice(gate, 1, i, i + 1)]),
      );
      return s.finish(s.op('Add', logits));
    },
    'Relu 8×6×10',
    'Relu 8×3×5',
    'Relu 8×3×5',
  ),
  'normalised before the mean': sketch(s => {
    const x = s.norm(s.transpose(features(s), 0, 2, 3, 1), 8);
    return s.classify(s.op('ReduceMean', [x], { axes: [1, 2], keepdims: 0 }), 8);
  }, 'Relu 8×6×10'),
  'a decoder, classified after it (U-Net)': sketch(s => {
    const high = features(s);
    const low = s.block(s.relu(s.conv(high, 8, 8, 3, 2)), 8);
    const up = s.op('Resize', [low, '', s.factors(1, 1, 2, 2)], { mode: 'nearest' });
    return s.classify(s.pool(s.relu(s.conv(s.op('Concat', [up, high], { axis: 1 }), 16, 8))), 8);
  }, 'Relu 8×6×10'),
  'one position picked': sketch(s => s.classify(s.pick(s.pick(features(s), 3, 7), 2, 1), 8), 'Relu 8×6×10'),
  'row by row pooling, then linear over columns': sketch(s => {
    const x = s.op('ReduceMean', [features(s)], { axes: [2], keepdims: 0 });
    return s.classify(s.op('Flatten', [s.relu(x)]), 80);
  }, 'Relu 8×6×10'),
  'tokens taken apart in pairs of rows': sketch(s => {
    // Rows of a 6×10 grid read boustrophedon-free but two at a time: [N,3,2,10,C] → [N,60,C].
    const x = s.reshape(s.transpose(s.reshape(features(s), 0, 8, 3, 2, 10), 0, 2, 4, 3, 1), 0, 60, 8);
    return s.classify(s.op('ReduceMean', [s.encoder(x, 8)], { axes: [1], keepdims: 0 }), 8);
  }, 'Relu 8×6×10'),
};
