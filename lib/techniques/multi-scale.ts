import type { Tensor } from '../engine/tensor.ts';
import type { Size } from '../image/geometry.ts';
import { positiveMaps } from '../kernels/map-values.ts';
import { resize } from '../kernels/maps.ts';
import type { Maps } from '../kernels/types.ts';
import { checkInputSize } from './support/input-bound.ts';
import { perTargetMaximum } from './support/layers.ts';
import { MapSums } from './support/map-sums.ts';
import { mirrored, mirroredChange, mirroredInput, resizedInput, windowChange } from './support/planes.ts';
import { type ChangedInput, defineTechnique, type TechniqueSubject } from './technique.ts';

/** IRN's, against a division by zero. */
const EPSILON = 1e-5;

/**
 * Multi-scale inference with mirror images, as IRN and PSA have it: the positive parts of the raw maps, mirrored back, enlarged
 * (bilinear, half-pixel) to the input's size and summed, divided by max + 1e-5 of each target. Pictures are resized before they are
 * normalised (Pillow's bicubic filter), tensors bilinearly without antialiasing.
 */
export const multiScale = defineTechnique({
  name: 'multi-scale',
  title: 'Multi-scale and flip',
  paper: 'IRN, arXiv:1904.05044 (and PSA, arXiv:1803.10464)',
  cost: '2·scales·M',
  params: {
    scales: {
      type: 'numbers',
      default: [1, 0.5, 1.5, 2],
      min: 0.05,
      max: 16,
      description: "the input's sides are multiplied by each of these",
    },
    flip: { type: 'boolean', default: true, description: 'the mirror image of each scale as well' },
  },
  needs: { sizes: true },
  async apply(subject, params) {
    const { scales, flip } = params as { scales: readonly number[]; flip: boolean };
    for (const scale of scales) checkInputSize(subject, sizeAt(subject, scale));
    const sums = subject.slots.map(() => new MapSums());
    const byScale = subject.slots.map(() => new Float64Array(scales.length));
    const each = flip ? 2 : 1;
    let next = 0;
    for await (const { maps } of subject.explain(scaledInputs(subject, scales, flip), each * scales.length)) {
      const isMirror = next % each === 1;
      const scale = Math.floor(next++ / each);
      for (const [s, { raw }] of maps.entries()) {
        const layers = await Promise.all(raw.map(layer => atInput(layer, subject, isMirror)));
        sums[s]!.add(layers);
        byScale[s]![scale]! += layers.reduce((sum, { data }) => sum + total(data), 0);
      }
    }
    const relative = (layer: Maps) => perTargetMaximum(layer, max => max + EPSILON);
    return Promise.all(
      subject.slots.map(async (slot, s) => ({
        finished: await slot.fuse(sums[s]!.result(value => value).map(relative)),
        warnings: uneven(scales, byScale[s]!),
      })),
    );
  },
});

function total(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

/** The share of the whole from which one of several scales leaves little of the others to be seen. */
const MOST = 0.6;

/** Of maps whose values depend on the input's size: gradients through a mean over positions are divided by their number. */
function uneven(scales: readonly number[], sums: Float64Array): string[] {
  const share = Math.max(...sums) / sums.reduce((a, b) => a + b, 0);
  if (scales.length < 3 || !(share > MOST)) return [];
  const scale = scales[sums.indexOf(Math.max(...sums))]!;
  return [
    `the scale ${scale} alone makes ${Math.round(100 * share)} % of this map: values of the method differ in size from scale to scale ` +
      '(gradients are divided by the number of positions); take the method cam, or leave that scale out',
  ];
}

async function* scaledInputs(
  subject: TechniqueSubject,
  scales: readonly number[],
  flip: boolean,
): AsyncGenerator<ChangedInput> {
  const { layout, size } = subject;
  for (const scale of scales) {
    const own = sizeAt(subject, scale);
    const change = windowChange(size, own);
    const tensor = scale === 1 ? subject.tensor : await atScale(subject, own);
    yield scale === 1 ? { tensor } : { tensor, change };
    if (flip) yield { tensor: await mirroredInput(tensor, layout), change: mirroredChange(change) };
  }
}

function sizeAt({ size: { width, height } }: TechniqueSubject, scale: number): Size {
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return { width: side(width), height: side(height) };
}

function atScale({ picture, tensor, layout }: TechniqueSubject, size: Size): Promise<Tensor<'float32'>> {
  return picture ? picture(size) : resizedInput(tensor, layout, { ...size, interpolation: 'bilinear' });
}

async function atInput(layer: Maps, { size }: TechniqueSubject, isMirror: boolean): Promise<Maps> {
  const positive = await positiveMaps(isMirror ? await mirrored(layer) : layer);
  return resize(positive, { width: size.width, height: size.height, interpolation: 'bilinear' });
}
