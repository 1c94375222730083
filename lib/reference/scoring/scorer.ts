import type { FeatureMaps } from '../../kernels/features.ts';
import type { Maps } from '../../kernels/types.ts';
import type { ActivationScorer } from '../../scoring/activation-scorer.ts';
import type { GridMasks, MaskRequest, MaskScores } from '../../scoring/mask-request.ts';
import type { PictureScorer } from '../../scoring/picture-scorer.ts';
import type { PixelVariant } from '../../scoring/pixel-variants.ts';
import type { TailRequest } from '../../scoring/tail-request.ts';
import { type SettledTarget, settleTargets, termsIn } from '../../scoring/target-terms.ts';
import type { ResolvedTarget } from '../../targets/resolve.ts';
import { ScoreRow } from '../../targets/score.ts';
import type { ScoreView } from '../../targets/target.ts';
import { blurredImage } from './blur.ts';
import { isConstant, noiseKey, sampleMap, sampleNoise, sourceOf, stretchedMask } from './masks.ts';

/** Logits of one input, [classes]. */
export type RunOne = (data: Float32Array, dims: readonly number[]) => Promise<ArrayLike<number>>;

export interface ReferenceOptions {
  /** [1, C, H, W] or [1, H, W, C]. */
  readonly input: { readonly data: Float32Array; readonly dims: readonly number[]; readonly layout: 'nchw' | 'nhwc' };
  readonly layer: FeatureMaps;
  readonly row: ScoreRow;
  readonly targets: readonly ResolvedTarget[];
  readonly network: RunOne;
  readonly tail?: RunOne;
}

/** One run for every variant: nothing is shared, skipped or batched. */
export class ReferenceScorer implements PictureScorer, ActivationScorer {
  readonly targets: number;
  readonly size: { readonly width: number; readonly height: number };
  readonly warnings = [];
  readonly runs = { network: 0, tail: 0, saved: 0 };
  readonly #options: ReferenceOptions;
  readonly #settled: readonly SettledTarget[];

  constructor(options: ReferenceOptions) {
    const { dims, layout } = options.input;
    this.#options = options;
    this.#settled = settleTargets(options.targets, options.row);
    this.targets = options.targets.length;
    this.size = layout === 'nchw' ? { height: dims[2]!, width: dims[3]! } : { height: dims[1]!, width: dims[2]! };
  }

  clean(view?: ScoreView): Float64Array {
    return this.#read(this.#options.row.logits, view);
  }

  async baseline(background: 'zero' | 'blurred', view?: ScoreView): Promise<Float64Array> {
    return this.#runMask(new Float64Array(this.size.height * this.size.width), background, undefined, view);
  }

  async masks(request: MaskRequest): Promise<MaskScores> {
    const { data, dims } = request.maps;
    const positions = dims[1] * dims[2];
    const run = request.select ?? Uint32Array.from({ length: dims[0] }, (_, index) => index);
    const scores = new Float64Array(run.length * this.targets);
    const constant = new Uint8Array(run.length);
    for (const [i, index] of run.entries()) {
      const map = data.slice(index * positions, (index + 1) * positions);
      constant[i] = isConstant(map) ? 1 : 0;
      if (constant[i] && request.constant === 'skip') continue;
      const copies = request.noise?.samples ?? request.scales?.length ?? 1;
      for (let copy = 0; copy < copies; copy++) {
        const own = await this.#scoreCopy(map, [dims[1], dims[2]], request, copy);
        for (let t = 0; t < this.targets; t++) scores[i * this.targets + t]! += own[t]! / copies;
      }
    }
    return { scores, constant };
  }

  async gridMasks(masks: GridMasks, view?: ScoreView): Promise<Float64Array> {
    const scores = new Float64Array(masks.grids.dims[0] * this.targets);
    for (let i = 0; i < masks.grids.dims[0]; i++)
      scores.set(await this.#runMask(this.#gridMask(masks, i), 'zero', undefined, view), i * this.targets);
    return scores;
  }

  async pixels(variants: readonly PixelVariant[], view?: ScoreView): Promise<Float64Array> {
    const { dims, layout } = this.#options.input;
    const area = this.size.height * this.size.width;
    const scores: number[] = [];
    for (const { from, to, order, begin = 0, end } of variants) {
      const changed = new Set(order?.subarray(begin, end));
      const channels = from.length / area;
      const copy = from.map((value, i) =>
        to && changed.has(layout === 'nchw' ? i % area : Math.floor(i / channels)) ? to[i]! : value,
      );
      this.runs.network++;
      scores.push(...this.#read(await this.#options.network(copy, dims), view));
    }
    return Float64Array.from(scores);
  }

  async sumGridMasks(masks: GridMasks, weights: Float64Array): Promise<Maps> {
    const { height, width } = this.size;
    const count = masks.grids.dims[0];
    const targets = weights.length / count;
    const sums = new Float64Array(targets * height * width);
    for (let i = 0; i < count; i++) {
      const mask = this.#gridMask(masks, i);
      for (let t = 0; t < targets; t++)
        for (let p = 0; p < mask.length; p++) sums[t * mask.length + p]! += weights[i * targets + t]! * mask[p]!;
    }
    return { data: Float32Array.from(sums), dims: [targets, height, width] };
  }

  async tail(request: TailRequest): Promise<Float64Array> {
    const variants = tailVariants(this.#options.layer, request);
    const scores: number[] = [];
    for (const data of variants) {
      this.runs.tail++;
      scores.push(...this.#read(await this.#options.tail!(data, this.#options.layer.dims), request.view));
    }
    return Float64Array.from(scores);
  }

  save(passes: number): void {
    this.runs.saved += passes;
  }

  #gridMask({ grids, canvas, offsets }: GridMasks, index: number): Float64Array {
    const [, height, width] = grids.dims;
    const grid = grids.data.subarray(index * height * width, (index + 1) * height * width);
    const mask = new Float64Array(this.size.height * this.size.width);
    for (let y = 0; y < this.size.height; y++)
      for (let x = 0; x < this.size.width; x++)
        mask[y * this.size.width + x] = sampleMap(
          grid,
          [height, width],
          sourceOf(y + offsets[2 * index]!, height, canvas[0], 'mirror'),
          sourceOf(x + offsets[2 * index + 1]!, width, canvas[1], 'mirror'),
        );
    return mask;
  }

  async #scoreCopy(
    map: Float32Array,
    from: readonly [number, number],
    { rule, scales, noise, background, view }: MaskRequest,
    copy: number,
  ): Promise<Float64Array> {
    const { height, width } = this.size;
    const scale = noise ? 1 : (scales?.[copy] ?? 1);
    const mask = stretchedMask(map, from, [height, width], rule).map(value =>
      rule.complement ? 1 - scale * value : scale * value,
    );
    if (!noise) return this.#runMask(mask, background, undefined, view);
    const count = noise.target === 'mask' ? mask.length : this.#options.input.data.length;
    const values = sampleNoise(noiseKey(map, rule), copy, noise.seed, count, noise.sigma);
    if (noise.target === 'input') return this.#runMask(mask, background, values, view);
    return this.#runMask(
      mask.map((value, i) => value + values[i]!),
      background,
      undefined,
      view,
    );
  }

  async #runMask(
    mask: Float64Array,
    background: 'zero' | 'blurred' | undefined,
    noise: Float64Array | undefined,
    view: ScoreView | undefined,
  ): Promise<Float64Array> {
    const { data, dims, layout } = this.#options.input;
    const pixels = mask.length;
    const channels = data.length / pixels;
    const behind = background === 'blurred' ? blurredImage(this.#options.input) : undefined;
    const masked = data.map((value, i) => {
      const m = mask[layout === 'nchw' ? i % pixels : Math.floor(i / channels)]!;
      return (value + (noise?.[i] ?? 0)) * m + (behind ? behind[i]! * (1 - m) : 0);
    });
    this.runs.network++;
    return this.#read(await this.#options.network(masked, dims), view);
  }

  #read(logits: ArrayLike<number>, view: ScoreView | undefined): Float64Array {
    const row = new ScoreRow(Float32Array.from(logits), this.#options.row.activation);
    return Float64Array.from(this.#settled, target => row.score({ terms: termsIn(target, view) }));
  }
}

/** The changed activations of a request, one at a time. */
function* tailVariants({ data, dims }: FeatureMaps, request: TailRequest): Generator<Float32Array> {
  const [, channels, height, width] = dims as [number, number, number, number];
  const area = height * width;
  if (request.kind === 'channels')
    for (const [i, channel] of request.channels.entries())
      yield data.map((value, p) => (Math.floor(p / area) === channel ? request.values[i]! : value));
  else if (request.kind === 'sets')
    for (let i = 0; i < request.sets.length / channels; i++)
      yield data.map((value, p) => (request.sets[i * channels + Math.floor(p / area)] ? value : 0));
  else
    for (let position = 0; position < area; position++)
      yield data.map((_, p) => {
        const k = Math.floor(p / area);
        const dy = Math.abs(Math.floor((p % area) / width) - Math.floor(position / width));
        const dx = Math.abs((p % width) - (position % width));
        const value = data[request.kind === 'neighbourhoods' ? p : k * area + position]!;
        if (request.kind === 'positions' && !request.gaussian) return dy + dx === 0 ? value : 0;
        return dy > 1 || dx > 1 ? 0 : (value * (2 - dy) * (2 - dx)) / 16;
      });
}
