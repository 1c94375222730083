import { OnnxCamError } from '../common/errors.ts';
import { withSignal } from '../engine/cancellation.ts';
import type { ImageLayout } from '../image/layout.ts';
import { steady } from '../kernels/native-kernels.ts';
import type { Maps } from '../kernels/types.ts';
import type { ScoreView } from '../targets/target.ts';
import { meanOverRepeats, spreadGroups } from './groups.ts';
import type { GridMasks, MaskRequest, MaskScores } from './mask-request.ts';
import { BLUR, GRIDS, maskSettings } from './native-arguments.ts';
import { type NativeVariants, nativeScoring } from './native-scoring.ts';
import { distinctVariants, type PixelVariant } from './pixel-variants.ts';
import type { Scorer } from './scorer.ts';
import type { UseModel } from './scoring-model.ts';
import { type ScoredItems, type ScorerOptions, ScoringRuns } from './scoring-runs.ts';

/** Scores changed copies of one image: the whole network runs, no layer is looked at. */
export interface PictureScorer extends Scorer {
  /** Size of the model's input. */
  readonly size: { readonly width: number; readonly height: number };
  /** Scores of what masks are blended with: an input of zeros, or the blurred image. */
  baseline(background: 'zero' | 'blurred', view?: ScoreView): Promise<Float64Array>;
  masks(request: MaskRequest): Promise<MaskScores>;
  gridMasks(masks: GridMasks, view?: ScoreView): Promise<Float64Array>;
  /**
   * Scores of copies in which pixels are exchanged, [variants, targets]; equal ones are run once. Images and orders must not
   * change until the promise settles.
   */
  pixels(variants: readonly PixelVariant[], view?: ScoreView): Promise<Float64Array>;
  /** Σ_v weights[v, t] · mask_v for each target: [T, H, W]. */
  sumGridMasks(masks: GridMasks, weights: Float64Array): Promise<Maps>;
}

export interface PictureScorerOptions extends ScorerOptions {
  /** One image as the network gets it, [1, C, H, W] or [1, H, W, C]; copied. */
  readonly input: { readonly data: Float32Array; readonly dims: readonly number[]; readonly layout: ImageLayout };
  /** The whole model with its logits as the only output. */
  readonly network: UseModel;
}

/** A scorer of changed pictures over native loops. */
export function createPictureScorer(options: PictureScorerOptions): PictureScorer {
  return new NativePictureScorer(options);
}

class NativePictureScorer extends ScoringRuns implements PictureScorer {
  readonly size: { readonly width: number; readonly height: number };
  readonly #input: PictureScorerOptions['input'];
  readonly #network: UseModel;
  readonly #signal: AbortSignal | undefined;
  /** [C, H, W], whatever the layout. */
  readonly #shape: readonly [number, number, number];
  #blurred: Promise<Float32Array> | undefined;

  constructor(options: PictureScorerOptions) {
    super('network', options);
    const { data, dims, layout } = options.input;
    const [, a, b, c] = dims as [number, number, number, number];
    // A copy: nobody can change or transfer it away under the native loops.
    this.#input = { data: data.slice(), dims, layout };
    this.#network = options.network;
    this.#signal = options.signal;
    this.#shape = layout === 'nhwc' ? [c, a, b] : [a, b, c];
    this.size = { height: this.#shape[1], width: this.#shape[2] };
  }

  async baseline(background: 'zero' | 'blurred', view?: ScoreView): Promise<Float64Array> {
    // A constant map's mask is 0, so that only the background is left.
    const maps: Maps = { data: new Float32Array(1), dims: [1, 1, 1] };
    const rule = { interpolation: 'bilinear', normalize: 'after', epsilon: 0 } as const;
    return (await this.masks({ maps, rule, constant: 'score', background, view })).scores;
  }

  async masks(request: MaskRequest): Promise<MaskScores> {
    this.#refuseVolumes('masks are made for');
    const { data, dims } = request.maps;
    const { selected, rule, repeats, noise } = maskSettings(request, { data, dims });
    const distinct = {
      ...selected,
      rule,
      merge: request.dedupe ?? true,
      skipConstant: request.constant === 'skip',
    };
    const { first, group, constant, key } = await withSignal(this.#signal, cancellation =>
      nativeScoring().distinctMaps(distinct, cancellation),
    );
    const variants: NativeVariants = {
      kind: 'masks',
      maps: selected.maps,
      dims: selected.dims,
      select: first,
      canvas: [this.size.height, this.size.width],
      grid: GRIDS[request.rule.interpolation],
      rule,
      ...(await this.#image(request.background)),
      scales: repeats,
      noise,
      noiseKeys: key,
      offsets: new Uint32Array(),
    };
    const items = first.length * repeats.length;
    this.save(selected.dims[0] * repeats.length - items);
    const scores = await this.#score(variants, items, request.view, { repeats: repeats.length });
    const means = meanOverRepeats(scores, first.length, repeats.length, this.targets);
    return { scores: spreadGroups(means, group, this.targets), constant };
  }

  async gridMasks({ grids, canvas, offsets }: GridMasks, view?: ScoreView): Promise<Float64Array> {
    this.#refuseVolumes('masks are made for');
    const count = grids.dims[0];
    const variants: NativeVariants = {
      kind: 'masks',
      maps: grids.data,
      dims: grids.dims,
      select: Uint32Array.from({ length: count }, (_, index) => index),
      canvas,
      grid: GRIDS.mirror,
      rule: { stretch: 0, epsilon: 0, complement: false },
      ...(await this.#image('zero')),
      scales: Float32Array.of(1),
      noise: { target: 0, deviation: 0, seed: 0 },
      noiseKeys: new Uint32Array(),
      offsets,
    };
    return this.#score(variants, count, view, { random: true });
  }

  async sumGridMasks({ grids, canvas, offsets }: GridMasks, weights: Float64Array): Promise<Maps> {
    const { height, width } = this.size;
    const { data: maps, dims } = grids;
    const size = [height, width] as const;
    const request = { maps, dims, canvas, size, grid: GRIDS.mirror, offsets, weights };
    const data = await withSignal(this.#signal, cancellation => nativeScoring().sumMasks(request, cancellation));
    return { data, dims: [weights.length / dims[0], height, width] };
  }

  async pixels(variants: readonly PixelVariant[], view?: ScoreView): Promise<Float64Array> {
    this.#refuseVolumes('pixels are changed in');
    const { images, orders, items, group } = distinctVariants(variants, this.#input.data.length);
    const distinct = items.length / 5;
    this.save(variants.length - distinct);
    const changed: NativeVariants = {
      kind: 'pixels',
      images: images.map(steady),
      orders: orders.map(steady),
      items,
      shape: this.#shape,
      channelsLast: this.#input.layout === 'nhwc',
    };
    return spreadGroups(await this.#score(changed, distinct, view, { exact: true }), group, this.targets);
  }

  #score(
    variants: NativeVariants,
    count: number,
    view: ScoreView | undefined,
    kind: Pick<ScoredItems, 'repeats' | 'random' | 'exact'>,
  ): Promise<Float64Array> {
    return this.score({ model: this.#network, variants, count, dims: this.#input.dims.slice(1), view, ...kind });
  }

  #refuseVolumes(what: string): void {
    const { dims } = this.#input;
    if (dims.length !== 4)
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        `${what} pictures [1,C,H,W] or [1,H,W,C], this input is [${dims}]`,
      );
  }

  /** What masks are multiplied into, in the addon's terms. */
  async #image(background: MaskRequest['background']) {
    const { data: image, layout } = this.#input;
    const channelsLast = layout === 'nhwc';
    if (background === 'blurred')
      this.#blurred ??= withSignal(this.#signal, cancellation =>
        nativeScoring().blurImage(image, this.#shape, channelsLast, BLUR.radius, BLUR.deviation, cancellation),
      );
    const behind = background === 'blurred' ? await this.#blurred! : null;
    return { image, background: behind, shape: this.#shape, channelsLast };
  }
}
