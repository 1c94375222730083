import { OnnxCamError } from '../common/errors.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { affineScores } from './affine-scores.ts';
import { ruleOfThumb } from './schedule.ts';
import type { Scorer } from './scorer.ts';
import type { UseModel } from './scoring-model.ts';
import { type ScorerOptions, ScoringRuns } from './scoring-runs.ts';
import type { TailRequest } from './tail-request.ts';

/** Scores changed copies of one layer's activations: only the network's tail behind it runs. */
export interface ActivationScorer extends Scorer {
  /**
   * Without a run where the score is known to be affine in the activations.
   * @throws `ERR_METHOD_UNSUPPORTED` when the network can't be cut at the layer.
   */
  tail(request: TailRequest): Promise<Float64Array>;
}

export interface ActivationScorerOptions extends ScorerOptions {
  /** The target layer's activations for the image, [1, C, h, w]. */
  readonly layer: FeatureMaps;
  /** The model from the layer on; left out where it can't be cut there. */
  readonly tail?: UseModel;
  /**
   * ∂score/∂A of each target, [T, C, h, w] or lazy [T, C, 1, 1], where all scores are logits and affine in A: changed
   * activations are then scored without a run.
   */
  readonly linearTail?: FeatureMaps;
}

/** Tails are so cheap that a run's fixed cost counts: their batches hold up to this many floats, but not more items. */
const TAIL_FLOATS = 1 << 20;
const TAIL_ITEMS = 32;

/** A scorer of changed activations over native loops. */
export function createActivationScorer(options: ActivationScorerOptions): ActivationScorer {
  return new NativeActivationScorer(options);
}

class NativeActivationScorer extends ScoringRuns implements ActivationScorer {
  readonly #options: ActivationScorerOptions;

  constructor(options: ActivationScorerOptions) {
    super('tail', options);
    this.#options = options;
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
      const tail = { slopes: linearTail, activations: this.#options.layer, clean: this.clean() };
      const scores = await affineScores(tail, request);
      this.save(scores.length / this.targets);
      return scores;
    }
    const items =
      change.kind === 'channels'
        ? change.channels.length
        : change.kind === 'sets'
          ? change.sets.length / channels
          : height * width;
    const itemDims = featureDims(this.#options.layer);
    return this.score({
      model: this.#options.tail,
      variants: { ...layer, ...change },
      count: items,
      dims: itemDims,
      chunk: setting => Math.max(boundedItems(itemDims), ruleOfThumb(setting).chunk),
      view,
    });
  }
}

function boundedItems(dims: readonly number[]): number {
  const floats = dims.reduce((product, dim) => product * dim, 1);
  return Math.max(1, Math.min(TAIL_ITEMS, Math.floor(TAIL_FLOATS / floats)));
}

/** [C, h, w], of volumes [C, D, h, w]. */
function featureDims({ dims: [, channels, rows, width], depth }: FeatureMaps): number[] {
  return depth === undefined ? [channels!, rows!, width!] : [channels!, depth, rows! / depth, width!];
}
