import type { TensorProto } from 'onnx-buf';
import { OnnxCamError } from '../common/errors.ts';
import type { MetricCase } from '../metrics/definition.ts';
import { drawUnit, type WeightUnit, weightUnits, withWeights } from '../model/rewrite/randomize-weights.ts';
import { withTensor } from '../network/images.ts';
import { SessionCache } from '../network/session-cache.ts';
import type { ExplainOptions } from '../options.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import { explainThatFits } from './explain-that-fits.ts';
import type { RandomUnits } from './measure-maps.ts';
import type { MeasuredImage } from './measured-image.ts';
import type { Stage } from './stage.ts';
import { stageUnits } from './stage-units.ts';
import type { Stages } from './stages.ts';

/** How a map came to be: what explains once more. */
export type HowExplained = Pick<
  ExplainOptions,
  'method' | 'params' | 'layer' | 'convention' | 'fusion' | 'technique' | 'seed' | 'batchSize' | 'signal'
>;

/** The method once more on other inputs, other classes, other weights; maps at the input's size, of the convention. */
export class ExplainerAgain {
  readonly #stages: Stages;
  readonly #image: MeasuredImage;
  readonly #how: HowExplained;
  readonly #seed: number;
  /** Weights by their unit's place. */
  readonly #drawn = new Map<number, Promise<Map<string, TensorProto>>>();

  #units: readonly WeightUnit[] | undefined;

  constructor(stages: Stages, image: MeasuredImage, how: HowExplained) {
    this.#stages = stages;
    this.#image = image;
    this.#how = how;
    this.#seed = how.seed ?? 0;
  }

  readonly explain: NonNullable<MetricCase['explain']> = async ({ input, classIndex, randomized }) => {
    const { stage, target } = this.#image;
    const asked = classIndex === undefined ? target : otherClass(target, classIndex);
    if (!randomized) return this.#mapOf(stage, input, asked);
    const { model } = stage.network;
    const units = this.#weightUnits;
    const weights = new Map<string, TensorProto>();
    for (const place of placesOf(randomized, units))
      for (const [name, weight] of await this.#draw(units[place]!, place)) weights.set(name, weight);
    // One network after the other: each holds all weights.
    const sessions = new SessionCache(1);
    try {
      return await this.#mapOf(this.#stages.like({ ...model, ...withWeights(model, weights) }, sessions), input, asked);
    } finally {
      await sessions.dispose();
    }
  };

  /** Layers whose weights can be drawn anew. @throws `ERR_MODEL_UNSUPPORTED` for quantised weights */
  readonly units = (): RandomUnits => {
    const { model } = this.#image.stage.network;
    const units = this.#weightUnits;
    return { count: units.length, stages: stageUnits(model, units) };
  };

  /** Found once: it walks the whole graph. */
  get #weightUnits(): readonly WeightUnit[] {
    this.#units ??= weightUnits(this.#image.stage.network.model);
    return this.#units;
  }

  #draw(unit: WeightUnit, place: number): Promise<Map<string, TensorProto>> {
    let drawn = this.#drawn.get(place);
    if (!drawn) {
      const { graph } = this.#image.stage.network.model;
      this.#drawn.set(place, (drawn = drawUnit(graph, unit, place, this.#seed, this.#how.signal)));
    }
    return drawn;
  }

  async #mapOf(stage: Stage, input: Float32Array | undefined, target: ResolvedTarget): Promise<Float32Array> {
    const { image } = this.#image;
    const request = stage.requests.make({ ...this.#how, mapSize: 'input' });
    const changed = input ? withTensor(image, { ...image.tensor, data: input }) : image;
    const work = [{ image: changed, index: 0, targets: [target] }];
    const [results] = await explainThatFits(stage, work, request);
    return results![0]![0]![0]!.map.data;
  }
}

function otherClass(target: ResolvedTarget, index: number): ResolvedTarget {
  if (!target.classification)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      'only the score of a class can be compared with that of another class',
    );
  return { ...target, kind: 'class', terms: [{ view: 'logit', index, weight: 1 }] };
}

/** Places of the units that are drawn anew: from the scores down, from the picture up, or one alone. */
function placesOf(
  { order, unit }: { readonly order: 'top-down' | 'bottom-up' | 'independent'; readonly unit: number },
  units: readonly WeightUnit[],
): number[] {
  if (order === 'independent') return [units.length - 1 - unit];
  const some = Array.from({ length: unit + 1 }, (_, i) => i);
  return order === 'top-down' ? some.map(i => units.length - 1 - i) : some;
}
