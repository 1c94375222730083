import { inSlices } from '../common/slices.ts';
import type { Tensor } from '../engine/tensor.ts';
import { MapSums } from './support/map-sums.ts';
import { mirrored, mirroredChange, mirroredInput, windowChange } from './support/planes.ts';
import { type ChangedInput, defineTechnique, type TechniqueSubject } from './technique.ts';

/** What the normalised input is multiplied by. */
const FACTORS = [0.9, 1, 1.1];

/**
 * pytorch-grad-cam's `aug_smooth`: the picture and its mirror image, each times 0.9, 1 and 1.1 (ttach's HorizontalFlip and
 * Multiply); the mean of the finished maps, mirrored back, which is not stretched again.
 */
export const augmentation = defineTechnique({
  name: 'augmentation',
  aliases: ['aug-smooth', 'tta', 'test-time-augmentation'],
  title: 'Augmentation smoothing',
  paper: 'pytorch-grad-cam 1.5 (`aug_smooth`)',
  cost: '6·M',
  volumes: true,
  async apply(subject) {
    const sums = subject.slots.map(() => new MapSums());
    let next = 0;
    for await (const { maps } of subject.explain(augmented(subject), 2 * FACTORS.length)) {
      const isMirror = next++ >= FACTORS.length;
      for (const [s, { finished }] of maps.entries()) sums[s]!.add([isMirror ? await mirrored(finished) : finished]);
    }
    return sums.map(sum => ({ finished: sum.mean()[0]! }));
  },
});

async function* augmented({ tensor, layout, size }: TechniqueSubject): AsyncGenerator<ChangedInput> {
  for (const factor of FACTORS) yield { tensor: await times(tensor, factor) };
  const mirror = await mirroredInput(tensor, layout);
  const change = mirroredChange(windowChange(size, size));
  for (const factor of FACTORS) yield { tensor: await times(mirror, factor), change };
}

async function times(tensor: Tensor<'float32'>, factor: number): Promise<Tensor<'float32'>> {
  if (factor === 1) return tensor;
  const data = new Float32Array(tensor.data.length);
  await inSlices(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) data[i] = tensor.data[i]! * factor;
  });
  return { ...tensor, data };
}
