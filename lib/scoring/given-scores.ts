import { OnnxCamError } from '../common/errors.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { ActivationScorer } from './activation-scorer.ts';
import type { MaskRequest, MaskScores } from './mask-request.ts';
import type { PictureScorer } from './picture-scorer.ts';
import type { ScorerRuns } from './scorer.ts';
import type { TailRequest } from './tail-request.ts';

/**
 * A scorer for one target whose runs were made somewhere else: `scores` holds one value per channel run, and after them,
 * for methods that compare with it, the score of the unchanged image.
 */
export class GivenScores implements PictureScorer, ActivationScorer {
  readonly targets = 1;
  readonly size: { readonly width: number; readonly height: number };
  readonly warnings = [];
  readonly runs: ScorerRuns = { network: 0, tail: 0, saved: 0 };
  readonly #scores: ArrayLike<number>;
  readonly #layer: FeatureMaps;

  constructor(scores: ArrayLike<number>, layer: FeatureMaps, size: PictureScorer['size']) {
    this.#scores = scores;
    this.#layer = layer;
    this.size = size;
  }

  clean(): Float64Array {
    const channels = this.#layer.dims[1]!;
    if (this.#scores.length !== channels + 1)
      throw missing(
        `the method compares with the unchanged image: \`scores\` must hold ${channels} channel scores and the unchanged score after them`,
      );
    return Float64Array.of(this.#scores[channels]!);
  }

  baseline(): Promise<Float64Array> {
    throw missing('the method needs the score of a baseline image; explain a model with it instead');
  }

  async masks({ maps, select }: MaskRequest): Promise<MaskScores> {
    if (maps.data !== this.#layer.data)
      throw missing("the method scores masks that are not the layer's channels; explain a model with it instead");
    const { data, dims } = this.#layer;
    const positions = data.length / dims[1]!;
    const run = select ?? Uint32Array.from({ length: dims[1]! }, (_, k) => k);
    const constant = Uint8Array.from(run, k => {
      const channel = data.subarray(k * positions, (k + 1) * positions);
      return channel.every(value => value === channel[0]) ? 1 : 0;
    });
    return { scores: this.#pick(run), constant };
  }

  gridMasks(): Promise<Float64Array> {
    throw missing('the method draws its own masks; explain a model with it instead');
  }

  pixels(): never {
    throw missing('pixels are exchanged in pictures; explain a model with one instead');
  }

  sumGridMasks(): never {
    throw missing('the method draws its own masks; explain a model with it instead');
  }

  async tail(request: TailRequest): Promise<Float64Array> {
    if (request.kind === 'channels') return this.#pick(request.channels);
    const [, , height, width] = this.#layer.dims as [number, number, number, number];
    if (request.kind === 'positions' && this.#scores.length === height * width) return Float64Array.from(this.#scores);
    throw missing(
      request.kind === 'positions'
        ? `\`scores\` must hold one value for each of the ${height} × ${width} positions`
        : 'the method scores sets of channels; explain a model with it instead',
    );
  }

  save(): void {}

  #pick(run: Uint32Array): Float64Array {
    const channels = this.#layer.dims[1]!;
    if (this.#scores.length !== channels && this.#scores.length !== channels + 1)
      throw new OnnxCamError(
        'ERR_INPUT_SHAPE',
        `scores hold ${this.#scores.length} values; expected one for each of ${channels} channels`,
      );
    return Float64Array.from(run, k => this.#scores[k]!);
  }
}

function missing(message: string): OnnxCamError {
  return new OnnxCamError('ERR_METHOD_UNSUPPORTED', message);
}
