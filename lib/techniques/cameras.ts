import { DeviceTensor } from '../engine/device-tensor.ts';
import type { Size } from '../image/geometry.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { meanAtSize } from '../kernels/mean-at-size.ts';
import type { Maps } from '../kernels/types.ts';
import type { LayerTensors } from '../methods/definition.ts';
import { checkInputSize } from './support/input-bound.ts';
import { sizedAs } from './support/layers.ts';
import { MapSums } from './support/map-sums.ts';
import { resizedInput, windowChange } from './support/planes.ts';
import {
  type ChangedInput,
  defineTechnique,
  type InputMaps,
  type Merged,
  type Slot,
  type TechniqueSubject,
} from './technique.ts';

/** The first size is as large as the input; the others are by so much of it larger, one after the other (224, 324, …). */
const STEP = 100 / 224;
const SIZES = 8;

/**
 * CAMERAS: activations and gradients at several sizes of the input (bicubic, a = −0.75, not antialiased; each from the first), brought
 * (bilinear, half-pixel) to the size of the first input and averaged, of which then the method makes its map:
 * M = ReLU(Σ_k Ā_k ⊙ Ḡ_k) by HiResCAM, as the authors have it. Of methods that are no sums over channels, each of its own values
 * alone, the raw maps are averaged.
 */
export const cameras = defineTechnique({
  name: 'cameras',
  title: 'CAMERAS',
  paper: 'arXiv:2106.10649',
  cost: 'sizes·M',
  params: {
    sizes: {
      type: 'numbers',
      default: [],
      min: 1,
      max: 8192,
      whole: true,
      description:
        "the shorter side of each input (default: the input's own and seven larger ones: 224, 324, …, 924 of 224); maps have the size of the first",
    },
    filter: {
      type: 'boolean',
      default: true,
      description: "leave out sizes whose best class is not the first size's; only where no class is given",
    },
  },
  needs: { sizes: true, tensors: true, scores: true },
  async apply(subject, params) {
    const { filter } = params as { filter: boolean };
    const sizes = sizesOf(subject, params.sizes as readonly number[]);
    const means = subject.slots.map(() => new Averages());
    let best: number | undefined;
    for await (const { maps, scores } of subject.explain(inputsAt(subject, sizes), sizes.length)) {
      best ??= scores!.best;
      if (filter && subject.byRank && scores!.best !== best) continue;
      for (const [s, own] of maps.entries()) await means[s]!.add(own);
    }
    const merged: Merged[] = [];
    // One after the other: averages at the input's size are large.
    for (const [s, slot] of subject.slots.entries()) merged.push(await means[s]!.merged(slot, sizes[0]!));
    return merged;
  },
});

/** Sizes of the input's shape. */
function sizesOf(subject: TechniqueSubject, given: readonly number[]): Size[] {
  const { size } = subject;
  const short = Math.min(size.width, size.height);
  const sides = given.length > 0 ? given : Array.from({ length: SIZES }, (_, i) => Math.round(short * (1 + i * STEP)));
  const sizes = sides.map(side => ({
    width: Math.max(1, Math.round((size.width * side) / short)),
    height: Math.max(1, Math.round((size.height * side) / short)),
  }));
  for (const own of sizes) checkInputSize(subject, own);
  return sizes;
}

/** The first of the input itself, the others of the first. */
async function* inputsAt(
  { tensor, layout, size }: TechniqueSubject,
  sizes: readonly Size[],
): AsyncGenerator<ChangedInput> {
  const at = (from: typeof tensor, to: Size) => resizedInput(from, layout, { ...to, interpolation: 'bicubic' });
  const isOwn = ({ width, height }: Size) => width === size.width && height === size.height;
  const first = isOwn(sizes[0]!) ? tensor : await at(tensor, sizes[0]!);
  for (const [i, side] of sizes.entries()) {
    const own = i === 0 || (side.width === sizes[0]!.width && side.height === sizes[0]!.height);
    if (own && first === tensor) yield { tensor };
    else yield { tensor: own ? first : await at(first, side), change: windowChange(size, side) };
  }
}

/** What one slot's method is made of at every size, or the sums of its raw maps. */
class Averages {
  readonly #raw = new MapSums();
  #like: readonly Maps[] | undefined;
  /** By size. */
  readonly #tensors: (readonly LayerTensors[])[] = [];

  async add({ raw, tensors }: InputMaps): Promise<void> {
    if (tensors) {
      this.#tensors.push(tensors);
      return;
    }
    const like = (this.#like ??= raw);
    this.#raw.add(await Promise.all(raw.map((layer, i) => sizedAs(layer, like[i]!))));
  }

  /** @param size of the first input */
  async merged(slot: Slot, size: Size): Promise<Merged> {
    const [first] = this.#tensors;
    if (first) {
      const layers = first.map((_, l) => this.#tensors.map(tensors => tensors[l]!));
      return { raw: await Promise.all(layers.map(sizes => averagedMap(slot, sizes, size))) };
    }
    const warning = `cameras averages activations and gradients; it has those of sums over channels alone, and none by way of another technique: the maps of ${slot.method} were averaged`;
    return { raw: this.#raw.mean(), warnings: [warning] };
  }
}

/** Values that are in memory at once, of each size: 16 MB. */
const CHUNK = 2 ** 22;

/** One layer's map of averages, made of some channels after others: they add up. */
async function averagedMap(slot: Slot, sizes: readonly LayerTensors[], size: Size): Promise<Maps> {
  const [count, channels] = sizes[0]!.gradients!.dims as [number, number];
  const area = size.width * size.height;
  const step = Math.max(1, Math.floor(CHUNK / (area * count)));
  const sum = new MapSums();
  for (let from = 0; from < channels; from += step) {
    const some = [from, Math.min(channels, from + step)] as const;
    const activations = await mean(
      sizes.map(layer => layer.activations),
      some,
      size,
    );
    const gradients = await mean(
      sizes.map(layer => layer.gradients!),
      some,
      size,
    );
    sum.add([await slot.ofTensors({ activations, gradients }, size)]);
  }
  return sum.result(value => value)[0]!;
}

/** The mean of some channels of tensors [N, C, h, w] of several sizes, [N, c, H, W]. */
async function mean(
  tensors: readonly FeatureMaps[],
  some: readonly [from: number, to: number],
  size: Size,
): Promise<FeatureMaps> {
  const { data } = await meanAtSize(
    tensors.map(one => channelsOf(one, some)),
    size,
  );
  return { data, dims: [tensors[0]!.dims[0]!, some[1] - some[0], size.height, size.width] };
}

function channelsOf({ data, dims }: FeatureMaps, [from, to]: readonly [number, number]): Maps {
  if (data instanceof DeviceTensor) throw new TypeError('tensors that are averaged were left on a device');
  const [count, channels, height, width] = dims as [number, number, number, number];
  const area = height * width;
  const some = to - from;
  if (count === 1) return { data: data.subarray(from * area, to * area), dims: [some, height, width] };
  const planes = new Float32Array(count * some * area);
  for (let n = 0; n < count; n++)
    planes.set(data.subarray((n * channels + from) * area, (n * channels + to) * area), n * some * area);
  return { data: planes, dims: [count * some, height, width] };
}
