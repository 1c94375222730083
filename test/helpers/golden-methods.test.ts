/** What the golden values start from is what the library makes of the same pictures and the bundled model. */
import { expect, it } from 'vitest';
import { imageToTensor } from '../../lib/kernels/index.ts';
import { load } from '../../lib/load.ts';
import { anySizeModel } from './any-size-model.ts';
import { expectClose } from './expect-close.ts';
import { loadGoldenMethods } from './golden-methods.ts';

const golden = loadGoldenMethods();
const names = ['pair', 'wide'] as const;

it.each(names)('%s: the input tensor is what the library makes of the pixels', async name => {
  const { pixels, tensor } = golden.inputs[name];
  const [count, height, width] = pixels.dims as [number, number, number, number];
  const size = height * width * 3;
  expect(tensor.dims).toEqual([count, 3, height, width]);
  for (let n = 0; n < count; n++) {
    const image = { data: pixels.data.slice(n * size, (n + 1) * size), info: { width, height, channels: 3 } };
    const made = await imageToTensor(image, { mean: 127, std: 128, scale: 1 });
    expectClose(made, tensor.data.subarray(n * size, (n + 1) * size), 1e-7);
  }
});

it('the logits are those that the library gets from the model, and the targets its first classes', async () => {
  const cam = await load(anySizeModel());
  try {
    for (const name of names) {
      const { tensor, logits, targets } = golden.inputs[name];
      const size = tensor.data.length / targets.length;
      const classes = logits.dims[1]!;
      for (const [n, target] of targets.entries()) {
        const data = tensor.data.slice(n * size, (n + 1) * size);
        const found = await cam.predict(
          { type: 'float32', data, dims: [1, ...tensor.dims.slice(1)] },
          { topK: classes },
        );
        const scores = new Float32Array(classes);
        for (const { index, score } of found) scores[index] = score;
        expectClose(scores, logits.data.subarray(n * classes, (n + 1) * classes), 1e-4);
        if (name === 'pair') expect(found[0]!.index).toBe(target);
      }
    }
  } finally {
    await cam.dispose();
  }
});
