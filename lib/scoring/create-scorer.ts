import { OnnxCamError } from '../common/errors.ts';
import type { Progress } from '../common/progress.ts';
import { withSignal } from '../engine/cancellation.ts';
import { elementTypeNumber } from '../engine/element-type.ts';
import type { Session } from '../engine/session.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { ImageLayout } from '../image/layout.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { Maps } from '../kernels/types.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { ScoreView } from '../targets/target.ts';
import { affineScores } from './affine-tail.ts';
import { meanOverRepeats, spreadGroups } from './groups.ts';
import { type NativeModel, type NativeVariants, nativeScoring } from './native.ts';
import { BLUR, GRIDS, maskSettings, toNativeTargets } from './native-arguments.ts';
import { ProgressCounter } from './progress.ts';
import { ruleOfThumb, runScheduled, type Setting } from './schedule.ts';
import type { GridMasks, MaskRequest, MaskScores, Scorer, ScorerRuns, TailRequest } from './scorer.ts';
import { type SettledTarget, settleTargets } from './target-terms.ts';

/** A model that takes batches of variants and gives logits. */
export interface ScoringModel {
  /** On the CPU with one thread: runs go side by side. */
  readonly session: Session;
  /** float32; [N, …] of images in the model's layout, or of feature maps [N, C, h, w]. */
  readonly input: string;
  /** float32 [N, classes]. */
  readonly output: string;
  /** The other inputs, for one image; those with a first size of 1 are repeated for a batch. */
  readonly fixed?: Readonly<Record<string, Tensor>>;
  /** Those of them that all items of a batch share as they are. */
  readonly shared?: ReadonlySet<string>;
  /** The number of images that the model takes in every run, where it isn't free. */
  readonly batch?: number;
}

/** Runs `task` with a model that stays loaded meanwhile. */
export type UseModel = <T>(task: (model: ScoringModel) => Promise<T>) => Promise<T>;

export interface ScorerOptions {
  /** One image as the network gets it, [1, C, H, W] or [1, H, W, C]; copied. */
  readonly input: { readonly data: Float32Array; readonly dims: readonly number[]; readonly layout: ImageLayout };
  /** The target layer's activations for that image, [1, C, h, w]. */
  readonly layer: FeatureMaps;
  /** Logits of the unchanged image. */
  readonly row: ScoreRow;
  readonly targets: readonly ResolvedTarget[];
  /** The whole model with its logits as the only output. */
  readonly network: UseModel;
  /** The model from the layer on; left out where it can't be cut there. */
  readonly tail?: UseModel;
  /**
   * ∂score/∂A of each target, [T, C, h, w] or lazy [T, C, 1, 1], where all scores are logits and affine in A: changed
   * activations are then scored without a run.
   */
  readonly linearTail?: FeatureMaps;
  readonly provider: Setting['provider'];
  /** The explainer's thread budget. */
  readonly threads: number;
  /** Items per run; else measured. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** A scorer over native loops. */
export function createScorer(options: ScorerOptions): Scorer {
  return new NativeScorer(options);
}

/** Tails are so cheap that a run's fixed cost counts: their batches hold up to this many floats, but not more items. */
const TAIL_FLOATS = 1 << 20;
const TAIL_ITEMS = 32;

class NativeScorer implements Scorer {
  readonly targets: number;
  readonly size: { readonly width: number; readonly height: number };
  readonly #options: ScorerOptions;
  readonly #settled: readonly SettledTarget[];
  readonly #progress: ProgressCounter;
  /** [C, H, W], whatever the layout. */
  readonly #shape: readonly [number, number, number];
  readonly #runs = { network: 0, tail: 0, saved: 0 };
  readonly #warnings = new Set<string>();
  #blurred: Promise<Float32Array> | undefined;

  constructor(options: ScorerOptions) {
    const { dims, layout } = options.input;
    const [, a, b, c] = dims as [number, number, number, number];
    // A copy: nobody can change or transfer it away under the native loops.
    this.#options = { ...options, input: { ...options.input, data: options.input.data.slice() } };
    this.#shape = layout === 'nhwc' ? [c, a, b] : [a, b, c];
    this.size = { height: this.#shape[1], width: this.#shape[2] };
    this.targets = options.targets.length;
    this.#settled = settleTargets(options.targets, options.row);
    this.#progress = new ProgressCounter(options.onProgress);
  }

  get runs(): ScorerRuns {
    return { ...this.#runs };
  }

  get warnings(): string[] {
    return [...this.#warnings];
  }

  save(passes: number): void {
    this.#runs.saved += passes;
  }

  clean(view?: ScoreView): Float64Array {
    const { sigmoid: _, targets } = toNativeTargets(this.#settled, view, this.#options.row.activation);
    return Float64Array.from(targets, terms =>
      terms.reduce((sum, { viewName, index, weight }) => sum + weight * this.#options.row.view(viewName, index), 0),
    );
  }

  async baseline(background: 'zero' | 'blurred', view?: ScoreView): Promise<Float64Array> {
    // A constant map's mask is 0, so that only the background is left.
    const maps: Maps = { data: new Float32Array(1), dims: [1, 1, 1] };
    const rule = { interpolation: 'bilinear', normalize: 'after', epsilon: 0 } as const;
    return (await this.masks({ maps, rule, constant: 'score', background, view })).scores;
  }

  async masks(request: MaskRequest): Promise<MaskScores> {
    this.#refuseVolumes();
    const { data, dims } = request.maps ?? layerMaps(this.#options.layer);
    const { selected, rule, repeats, noise } = maskSettings(request, { data, dims });
    const { first, group, constant, key } = await nativeScoring().distinctMaps({
      ...selected,
      rule,
      merge: request.dedupe ?? true,
      skipConstant: request.constant === 'skip',
    });
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
    this.#runs.saved += selected.dims[0] * repeats.length - items;
    const scores = await this.#score('network', variants, items, request.view);
    const means = meanOverRepeats(scores, first.length, repeats.length, this.targets);
    return { scores: spreadGroups(means, group, this.targets), constant };
  }

  async gridMasks({ grids, canvas, offsets }: GridMasks, view?: ScoreView): Promise<Float64Array> {
    this.#refuseVolumes();
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
    return this.#score('network', variants, count, view);
  }

  async sumGridMasks({ grids, canvas, offsets }: GridMasks, weights: Float64Array): Promise<Maps> {
    const { height, width } = this.size;
    const { data: maps, dims } = grids;
    const size = [height, width] as const;
    const data = await nativeScoring().sumMasks({ maps, dims, canvas, size, grid: GRIDS.mirror, offsets, weights });
    return { data, dims: [weights.length / dims[0], height, width] };
  }

  async tail(request: TailRequest): Promise<Float64Array> {
    const { data: activations, dims, depth } = this.#options.layer;
    if (
      depth !== undefined &&
      (request.kind === 'neighbourhoods' || (request.kind === 'positions' && request.gaussian))
    )
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        'neighbourhoods are those of pictures, this layer holds volumes or clips; set params: { gaussian: false }',
      );
    const [, channels, height, width] = dims as [number, number, number, number];
    const layer = { activations, dims: [channels, height, width] };
    const { view, ...change } = request;
    const { linearTail } = this.#options;
    if (linearTail && (view ?? 'logit') === 'logit') {
      const scores = await affineScores(linearTail, this.#options.layer, this.clean(), request);
      this.#runs.saved += scores.length / this.targets;
      return scores;
    }
    const items =
      change.kind === 'channels'
        ? change.channels.length
        : change.kind === 'sets'
          ? change.sets.length / channels
          : height * width;
    return this.#score('tail', { ...layer, ...change }, items, view);
  }

  #refuseVolumes(): void {
    const { dims } = this.#options.input;
    if (dims.length !== 4)
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        `masks are made for pictures [1,C,H,W] or [1,H,W,C], this input is [${dims}]`,
      );
  }

  /** What masks are multiplied into, in the addon's terms. */
  async #image(background: MaskRequest['background']) {
    const { data: image, layout } = this.#options.input;
    const channelsLast = layout === 'nhwc';
    if (background === 'blurred')
      this.#blurred ??= nativeScoring().blurImage(image, this.#shape, channelsLast, BLUR.radius, BLUR.deviation);
    const behind = background === 'blurred' ? await this.#blurred! : null;
    return { image, background: behind, shape: this.#shape, channelsLast };
  }

  /** [items, targets]. */
  async #score(
    kind: 'network' | 'tail',
    variants: NativeVariants,
    items: number,
    view: ScoreView | undefined,
  ): Promise<Float64Array> {
    const { signal, row, input, layer } = this.#options;
    const use = this.#options[kind];
    if (!use)
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        'the network cannot be cut at this layer, which the method needs; choose another layer',
      );
    if (items === 0) return new Float64Array();
    const targets = toNativeTargets(this.#settled, view, row.activation);
    const itemDims = kind === 'network' ? input.dims.slice(1) : featureDims(layer);
    const scores = await use(model =>
      this.#progress.track(items, () =>
        withSignal(signal, cancellation =>
          runScheduled(
            model.session,
            this.#setting(kind, model, itemDims),
            items,
            this.targets,
            (begin, end, schedule) =>
              nativeScoring().scoreVariants(
                toNativeModel(model, itemDims),
                variants,
                targets,
                { begin, end, ...schedule },
                this.#progress.counter,
                cancellation,
              ),
            warning => this.#warnings.add(warning),
          ),
        ),
      ),
    );
    this.#runs[kind] += items;
    return scores;
  }

  #setting(kind: 'network' | 'tail', { batch, session }: ScoringModel, itemDims: readonly number[]): Setting {
    const { threads, batchSize } = this.#options;
    const provider = session.onDevice ? 'device' : this.#options.provider;
    const setting = { provider, threads, chunk: batch ?? batchSize };
    if (kind === 'network' || setting.chunk !== undefined) return setting;
    const floats = itemDims.reduce((product, dim) => product * dim, 1);
    const bounded = Math.max(1, Math.min(TAIL_ITEMS, Math.floor(TAIL_FLOATS / floats)));
    return { ...setting, chunk: Math.max(bounded, ruleOfThumb(setting).chunk) };
  }
}

function toNativeModel(
  { session, input, output, fixed = {}, shared, batch }: ScoringModel,
  itemDims: readonly number[],
) {
  return {
    session: session.handle,
    input,
    output,
    itemDims,
    batch: batch ?? 0,
    fixed: Object.entries(fixed).map(([name, { type, data, dims }]) => ({
      name,
      type: elementTypeNumber(type),
      data,
      dims,
      repeated: batch === undefined && dims[0] === 1 && !shared?.has(name),
    })),
  } satisfies NativeModel;
}

/** [C, h, w], of volumes [C, D, h, w]. */
function featureDims({ dims: [, channels, rows, width], depth }: FeatureMaps): number[] {
  return depth === undefined ? [channels!, rows!, width!] : [channels!, depth, rows! / depth, width!];
}

function layerMaps({ data, dims }: FeatureMaps): Maps {
  const [, channels, height, width] = dims as [number, number, number, number];
  return { data, dims: [channels, height, width] };
}
