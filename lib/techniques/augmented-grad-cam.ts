import { Random } from '../common/random.ts';
import { augmentedMap } from '../kernels/augmented-map.ts';
import { concatenated } from '../kernels/map-values.ts';
import { resize } from '../kernels/maps.ts';
import type { Maps } from '../kernels/types.ts';
import { type Mapping, rotation, translation, type WarpOptions, type WarpShape, warp } from '../kernels/warp.ts';
import { type ChangedInput, defineTechnique, type Slot, type TechniqueSubject } from './technique.ts';

/** Radians, and a share of the input's sides: 30 pixels of 224. */
const MOST_TURN = 0.5;
const MOST_SHIFT = 30 / 224;

/** λ for each copy of the picture. */
const TOTAL_VARIATION = 0.002;
const ENERGY = 0.0001;

/** Finer maps are sampled: the picture's own resolution is what is looked for, and the time goes with their pixels. */
const MOST_OBSERVED = 80;

/** Turned about the centre, then moved. */
interface Turn {
  readonly angle: number;
  readonly x: number;
  readonly y: number;
}

/**
 * Augmented Grad-CAM: the picture turned and moved n times (the first as it is), and the map of the picture's size that, turned,
 * moved and made small in the same way, comes closest to the maps of all: min Σ_i ‖D T_i M − g_i‖² + λ_tv·TV(M) + λ_e·‖M‖², by
 * Adam from 0. g_i is a raw map's positive part (of methods without a ReLU: what lies above its least value) over its largest
 * value. `max` and `mean` turn the enlarged maps back instead. Outside the picture lies black, as in the official code,
 * which pads before it subtracts the mean; around maps lies 0.
 */
export const augmentedGradCam = defineTechnique({
  name: 'augmented-grad-cam',
  aliases: ['augmented-cam'],
  title: 'Augmented Grad-CAM',
  paper: 'Morbidelli et al., ICASSP 2020',
  cost: 'n·M',
  params: {
    n: { type: 'integer', default: 100, min: 1, max: 10000, description: 'copies of the image, the first as it is' },
    iterations: { type: 'integer', default: 200, min: 1, max: 100000, description: 'steps of the optimisation' },
    fuse: {
      type: 'string',
      values: ['optimize', 'max', 'mean'],
      default: 'optimize',
      description: 'the map that explains all, or the largest value or mean of the maps turned back',
    },
  },
  async apply(subject, params) {
    const { n, iterations, fuse } = params as { n: number; iterations: number; fuse: 'optimize' | 'max' | 'mean' };
    const turns = drawTurns(n, subject.seed);
    const fusions = subject.slots.map(() =>
      fuse === 'optimize' ? new Optimized(subject, turns, iterations) : new TurnedBack(subject, turns, fuse),
    );
    let i = 0;
    for await (const { maps } of subject.explain(turnedInputs(subject, turns), n)) {
      for (const [s, { raw }] of maps.entries())
        await fusions[s]!.add(i, await Promise.all(raw.map(layer => observed(layer, subject.slots[s]!))));
      i++;
    }
    const fused: { raw: readonly Maps[] }[] = [];
    for (const fusion of fusions) fused.push({ raw: await fusion.result() });
    return fused;
  },
});

/** The same for every size of input. */
function drawTurns(n: number, seed: number): Turn[] {
  const random = new Random(seed);
  const between = (most: number) => most * (2 * random.uniform() - 1);
  return Array.from({ length: n }, (_, i) =>
    i === 0 ? { angle: 0, x: 0, y: 0 } : { angle: between(MOST_TURN), x: between(MOST_SHIFT), y: between(MOST_SHIFT) },
  );
}

/** In the order in which they are applied. */
function mappingsOf({ angle, x, y }: Turn, size: { readonly width: number; readonly height: number }): Mapping[] {
  return [rotation(angle, size), translation(x * size.width, y * size.height)];
}

/** The exact inverse, but for what left the picture: moved back, then turned back. */
function backMappingsOf({ angle, x, y }: Turn, size: { readonly width: number; readonly height: number }): Mapping[] {
  return [translation(-x * size.width, -y * size.height), rotation(-angle, size)];
}

async function* turnedInputs(subject: TechniqueSubject, turns: readonly Turn[]): AsyncGenerator<ChangedInput> {
  const { tensor, layout, size, signal } = subject;
  const { width, height } = size;
  const channels = tensor.data.length / (width * height);
  const shape = layout === 'nhwc' ? { planes: 1, width, height, inner: channels } : { planes: channels, width, height };
  const options = { fill: Float32Array.from(subject.black()), signal };
  yield { tensor };
  for (const turn of turns.slice(1)) {
    const data = await warpThrough(tensor.data, shape, mappingsOf(turn, size), options);
    yield { tensor: { ...tensor, data }, change: 'elsewhere' };
  }
}

async function warpThrough(
  values: Float32Array,
  shape: WarpShape,
  mappings: readonly Mapping[],
  options: WarpOptions,
): Promise<Float32Array> {
  let data = values;
  for (const mapping of mappings) data = await warp(data, shape, [mapping], options);
  return data;
}

/** Raw maps from 0 on, of no more than `MOST_OBSERVED` pixels a side. */
async function observed(maps: Maps, { relu }: Slot): Promise<Maps> {
  const [count, rows, columns] = maps.dims;
  const [height, width] = [Math.min(rows, MOST_OBSERVED), Math.min(columns, MOST_OBSERVED)];
  const small =
    height === rows && width === columns ? maps : await resize(maps, { width, height, interpolation: 'bilinear' });
  const area = height * width;
  const data = new Float32Array(count * area);
  for (let from = 0; from < data.length; from += area) {
    let least = relu ? 0 : Number.POSITIVE_INFINITY;
    if (!relu) for (let i = 0; i < area; i++) if (small.data[from + i]! < least) least = small.data[from + i]!;
    for (let i = from; i < from + area; i++) data[i] = Math.max(0, small.data[i]! - least);
  }
  return { data, dims: [count, height, width] };
}

/** All small maps of a slot, then the large map that explains them. */
class Optimized {
  readonly #subject: TechniqueSubject;
  readonly #turns: readonly Turn[];
  readonly #iterations: number;
  /** [n, h, w] of each layer and target. */
  readonly #seen: Maps[][] = [];

  constructor(subject: TechniqueSubject, turns: readonly Turn[], iterations: number) {
    this.#subject = subject;
    this.#turns = turns;
    this.#iterations = iterations;
  }

  async add(i: number, layers: readonly Maps[]): Promise<void> {
    for (const [l, { data, dims }] of layers.entries()) {
      const [count, height, width] = dims;
      const area = height * width;
      this.#seen[l] ??= Array.from({ length: count }, () => ({
        data: new Float32Array(this.#turns.length * area),
        dims: [this.#turns.length, height, width],
      }));
      for (let t = 0; t < count; t++) {
        const map = data.subarray(t * area, (t + 1) * area);
        let most = 0;
        for (const value of map) if (!(value <= most)) most = value;
        this.#seen[l]![t]!.data.set(most === 0 ? map : map.map(value => value / most), i * area);
      }
    }
  }

  async result(): Promise<Maps[]> {
    const { size } = this.#subject;
    const layers: Maps[] = [];
    for (const targets of this.#seen) {
      const maps: Maps[] = [];
      for (const seen of targets) maps.push(await this.#large(seen));
      const data = await concatenated(maps.map(map => map.data));
      layers.push({ data, dims: [maps.length, size.height, size.width] });
    }
    return layers;
  }

  #large(seen: Maps): Promise<Maps> {
    const { size, signal } = this.#subject;
    const n = this.#turns.length;
    return augmentedMap(seen, {
      width: size.width,
      height: size.height,
      mappings: this.#turns.map(turn => mappingsOf(turn, size)),
      totalVariation: TOTAL_VARIATION * n,
      energy: ENERGY * n,
      iterations: this.#iterations,
      signal,
    });
  }
}

/** Maps enlarged and turned back as they come; holds their sum or their largest values alone. */
class TurnedBack {
  readonly #subject: TechniqueSubject;
  readonly #turns: readonly Turn[];
  readonly #fuse: 'max' | 'mean';
  readonly #fused: Maps[] = [];

  constructor(subject: TechniqueSubject, turns: readonly Turn[], fuse: 'max' | 'mean') {
    this.#subject = subject;
    this.#turns = turns;
    this.#fuse = fuse;
  }

  async add(i: number, layers: readonly Maps[]): Promise<void> {
    const { size, signal } = this.#subject;
    const { width, height } = size;
    const n = this.#turns.length;
    for (const [l, maps] of layers.entries()) {
      const large = await resize(maps, { width, height, interpolation: 'bilinear' });
      const shape = { planes: large.dims[0], width, height };
      const data = await warpThrough(large.data, shape, backMappingsOf(this.#turns[i]!, size), { signal });
      this.#fused[l] ??= { data: new Float32Array(data.length), dims: large.dims };
      const own = this.#fused[l].data;
      if (this.#fuse === 'mean') for (let p = 0; p < own.length; p++) own[p]! += data[p]! / n;
      else for (let p = 0; p < own.length; p++) own[p] = Math.max(own[p]!, data[p]!);
    }
  }

  async result(): Promise<Maps[]> {
    return this.#fused;
  }
}
