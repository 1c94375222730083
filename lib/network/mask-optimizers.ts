import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { MASK_WEIGHTS, MASKED_ACTIVATIONS, MASKED_IMAGE, maskedGraph } from '../plan/masked-graph.ts';
import { readoutForm } from '../plan/readout.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import {
  type MaskEvaluation,
  type MaskOptimization,
  type MaskOptimizer,
  type MaskScoresAndGradients,
  optimizeMasks,
} from '../scoring/mask-optimizer.ts';
import { ProgressCounter } from '../scoring/progress-counter.ts';
import { type SettledTarget, settleTargets } from '../scoring/target-terms.ts';
import type { ScoreView } from '../targets/target.ts';
import type { Network } from './network.ts';
import { scoreRows } from './run-outputs.ts';
import type { PictureScorerRequest } from './scorers.ts';
import { denseSeeds, seedViews } from './seeds.ts';

/** Targets of one image that are run at once, unless the user says otherwise. */
const DEFAULT_BATCH = 4;

/** Makes optimisers of masks over an explainer's network. */
export class MaskOptimizers {
  readonly #network: Network;
  readonly #preprocess: () => ResolvedPreprocess;

  constructor(network: Network, preprocess: () => ResolvedPreprocess) {
    this.#network = network;
    this.#preprocess = preprocess;
  }

  /** @throws `ERR_METHOD_UNSUPPORTED` for inputs that are no pictures */
  optimizer(request: MaskOptimizerRequest): MaskOptimizer {
    if (this.#network.model.input.dims.length === 5)
      throw new OnnxCamError('ERR_METHOD_UNSUPPORTED', 'opti-cam masks pictures, this model takes volumes or clips');
    return new NetworkMaskOptimizer(this.#network, request, this.black());
  }

  /**
   * Black in the units of the network's input: (0 − mean)/std of the explainer's `preprocess`, for tensors as well, which
   * are taken to be preprocessed as pictures are. Inputs of other than 1 or 3 channels are masked towards 0.
   */
  black(): number[] {
    const { channels } = this.#network.model.input;
    if (channels !== 1 && channels !== 3) return new Array<number>(channels).fill(0);
    const { mean, std } = this.#preprocess();
    return mean.map((value, c) => -value / std[c]!);
  }
}

export interface MaskOptimizerRequest extends PictureScorerRequest {
  readonly layer: TargetLayer;
  /** The layer's activations for this image, [1, C, h, w]. */
  readonly activations: FeatureMaps;
}

class NetworkMaskOptimizer implements MaskOptimizer {
  readonly targets: number;
  readonly #network: Network;
  readonly #request: MaskOptimizerRequest;
  readonly #black: readonly number[];
  readonly #settled: readonly SettledTarget[];
  readonly #views: readonly ScoreView[];
  readonly #progress: ProgressCounter;
  #passes = 0;

  constructor(network: Network, request: MaskOptimizerRequest, black: readonly number[]) {
    this.#network = network;
    this.#request = request;
    this.#black = black;
    this.targets = request.targets.length;
    this.#settled = settleTargets(request.targets, request.row);
    this.#views = seedViews(this.#settled);
    this.#progress = new ProgressCounter(request.onProgress);
  }

  get runs() {
    return { network: this.#passes, tail: 0, saved: 0 };
  }

  optimize(how: MaskOptimization): Promise<Float32Array> {
    const { row, activations } = this.#request;
    const loop = {
      channels: activations.dims[1]!,
      clean: this.#settled.map(target => row.score(target)),
      evaluate: (masks: MaskEvaluation) => this.#evaluate(masks),
      onStep: (taken: number, spared: number) => void (this.#progress.counter[0]! += taken + spared),
    };
    return this.#progress.track(how.steps * this.targets, () => optimizeMasks(loop, how));
  }

  /** As many rows at once as the model and `batchSize` allow. */
  async #evaluate({ normalization, targets, u }: MaskEvaluation): Promise<MaskScoresAndGradients> {
    const { batch } = this.#network.model.input;
    const largest = batch ?? this.#request.batchSize ?? DEFAULT_BATCH;
    const channels = u.length / targets.length;
    const scores: number[] = [];
    const gradients = new Float32Array(u.length);
    for (let from = 0; from < targets.length; from += largest) {
      throwIfAborted(this.#request.signal);
      const own = targets.slice(from, from + largest).map(target => this.#settled[target]!);
      // A fixed batch is filled up; what the further rows give is not read.
      const rows = batch ?? own.length;
      const weights = new Float32Array(rows * channels);
      weights.set(u.subarray(from * channels, (from + own.length) * channels));
      const run = await this.#run(normalization, own, { type: 'float32', data: weights, dims: [rows, channels] });
      scores.push(...own.map((target, i) => run.rows[i]!.score(target)));
      gradients.set(run.gradients.subarray(0, own.length * channels), from * channels);
      this.#passes += rows;
    }
    return { scores, gradients };
  }

  async #run(
    normalization: MaskEvaluation['normalization'],
    targets: readonly SettledTarget[],
    weights: Tensor<'float32'>,
  ) {
    const { image, layer, activations, head, feeds, facts, size, signal } = this.#request;
    const [, channels, height, width] = activations.dims as [number, number, number, number];
    const [black, views, rows] = [this.#black, this.#views, weights.dims[0]!];
    const read = [head.output, readoutForm(head.readout), head.classes, Object.keys(feeds)];
    const form = [read, layer.name, normalization, black, views];
    const outputs = await this.#network.runGraph({
      key: `masked ${JSON.stringify(form)}`,
      size,
      build: () =>
        maskedGraph(this.#network.model, facts, head, {
          maps: [channels, height, width],
          normalization,
          black,
          views,
        }),
      feeds: () => ({
        [MASKED_IMAGE]: image.tensor,
        [MASKED_ACTIVATIONS]: { type: 'float32', data: activations.data, dims: activations.dims },
        [MASK_WEIGHTS]: weights,
        ...feeds,
        ...denseSeeds(views, targets, rows, head.classes),
      }),
      fetches: ({ logits, gradient }) => [logits, gradient],
      batch: rows,
      signal,
    });
    const [logits, gradients] = Object.values(outputs).map(({ data }) => data as Float32Array) as [
      Float32Array,
      Float32Array,
    ];
    return { rows: scoreRows(logits, rows, head), gradients };
  }
}
