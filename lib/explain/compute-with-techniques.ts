import { throwIfAborted } from '../common/errors.ts';
import { firstOf } from '../common/first-of.ts';
import { applyMethod, asFinished, finishRaw, type MethodMaps, withUnsound } from '../maps/apply-method.ts';
import { fused } from '../methods/conventions/convention.ts';
import { inputSize, type ReadyImage } from '../network/images.ts';
import type { ImageProgress, Stretch } from '../request/call-progress.ts';
import type { ExplainRequest } from '../request/request.ts';
import type { ChosenTechnique } from '../techniques/choose.ts';
import type { ExplainedInput, Inputs, Merged, Slot, TechniqueSubject } from '../techniques/technique.ts';
import { type ComputedMaps, computeMaps } from './compute-maps.ts';
import { type Counted, InputExplainer, isSumOfChannels, slotsOf } from './explain-inputs.ts';
import type { Work } from './group-runs.ts';
import type { Computed } from './method-input.ts';
import { withoutRanks } from './run-targets.ts';
import type { Stage } from './stage.ts';

/**
 * One image explained, its maps sharpened by the request's techniques: each explains inputs made of the one that it is given by the
 * technique before it, the first by the methods themselves. Everything else that results say is of the clean image.
 * @throws `ERR_INPUT_SHAPE` for volumes, or a model of one size, that a technique does not take; what `computeMaps` throws
 */
export async function computeWithTechniques(stage: Stage, work: Work, request: ExplainRequest): Promise<ComputedMaps> {
  const { techniques } = request;
  const ofClean = await computeMaps(stage, [{ ...work, progress: undefined }], request);
  try {
    const start = performance.now();
    const row = ofClean.outcome.run.rows[0]!;
    const clean: Work = {
      ...work,
      progress: undefined,
      targets: ofClean.outcome.targets.map(target => withoutRanks(target, row)),
    };
    const needs = techniques.map(({ definition }) => definition.needs);
    const wanted = { scores: Boolean(needs[0]?.scores), tensors: Boolean(needs[0]?.tensors) };
    const inputs = new InputExplainer(stage, request, wanted, clean, ofClean);
    const byRank = work.targets.some(({ terms }) => terms.some(({ index }) => index < 0));
    const sharpened = new Sharpened(stage, request, inputs, slotsOf(ofClean), byRank, work.progress);
    const maps = await sharpened.apply(clean, techniques);
    const milliseconds = performance.now() - start;
    return { ...ofClean, methods: withMaps(ofClean, maps, inputs, milliseconds) };
  } catch (error) {
    ofClean.release();
    throw error;
  }
}

/** The clean image's results with other maps. */
function withMaps(
  { methods }: ComputedMaps,
  maps: readonly MethodMaps[],
  { runs, warnings }: InputExplainer,
  milliseconds: number,
): ComputedMaps['methods'] {
  let slot = 0;
  return methods.map(method => ({
    ...method,
    sets: method.sets.map(([own]) => {
      const further = runs[slot]!;
      const sharpened: Computed = {
        maps: besidePlain(maps[slot++]!, own!),
        first: 0,
        milliseconds: own!.milliseconds + milliseconds / methods.length,
        runs: {
          network: own!.runs.network + further.network,
          tail: own!.runs.tail + further.tail,
          saved: own!.runs.saved + further.saved,
        },
        warnings: [...new Set([...own!.warnings, ...warnings])],
        int8: own!.int8,
      };
      return [sharpened];
    }),
  }));
}

/**
 * Why a map is empty is told best by the clean image's, where that is so as well. Where it alone is, what is shown was found in
 * changed images only.
 */
function besidePlain(sharpened: MethodMaps, { maps, first }: Computed): MethodMaps {
  const warnings = new Set(sharpened.warnings);
  const verdicts = sharpened.verdicts.map((verdict, n) => {
    const plain = maps.verdicts[first + n]!;
    if (plain.status === 'ok') return verdict;
    if (verdict.status === 'zero' && plain.status !== 'not-finite') return plain;
    if (verdict.status === 'ok')
      warnings.add(
        `the image as it is has no sound map, what is shown comes from changed images alone: ${plain.reason}`,
      );
    return verdict;
  });
  return { ...sharpened, verdicts, warnings: [...warnings] };
}

/** Techniques one around the other. */
class Sharpened {
  readonly #stage: Stage;
  readonly #request: ExplainRequest;
  readonly #inputs: InputExplainer;
  readonly #slots: ReturnType<typeof slotsOf>;
  /** As techniques see them. */
  readonly #shown: readonly Slot[];
  readonly #byRank: boolean;
  readonly #progress: ImageProgress | undefined;

  constructor(
    stage: Stage,
    request: ExplainRequest,
    inputs: InputExplainer,
    slots: ReturnType<typeof slotsOf>,
    byRank: boolean,
    progress: ImageProgress | undefined,
  ) {
    this.#stage = stage;
    this.#request = request;
    this.#inputs = inputs;
    this.#slots = slots;
    this.#shown = slots.map(slot => this.#slot(slot));
    this.#byRank = byRank;
    this.#progress = progress;
  }

  /** An input's maps by techniques, the last of which is the outermost. */
  async apply(work: Work, techniques: readonly ChosenTechnique[]): Promise<MethodMaps[]> {
    throwIfAborted(this.#request.signal);
    const { definition, params } = techniques.at(-1)!;
    const merged = await definition.apply(this.#subject(work, techniques), params);
    return Promise.all(merged.map((one, s) => this.#finished(one, s, work.image)));
  }

  async #finished(merged: Merged, slot: number, image: ReadyImage): Promise<MethodMaps> {
    const { method } = this.#slots[slot]!;
    const maps =
      'raw' in merged
        ? await finishRaw(method, merged.raw, inputSize(image))
        : await asFinished(method, merged.finished);
    return { ...maps, warnings: [...maps.warnings, ...(merged.warnings ?? [])] };
  }

  #subject(work: Work, techniques: readonly ChosenTechnique[]): TechniqueSubject {
    const { image } = work;
    const { seed, signal } = this.#request;
    const { input } = this.#stage.network.model;
    return {
      tensor: image.tensor,
      layout: input.layout,
      size: inputSize(image),
      slots: this.#shown,
      byRank: this.#byRank,
      seed,
      black: () => this.#stage.optimizers.black(),
      signal,
      fixedSize: input.height !== undefined || input.width !== undefined,
      picture: image.atSize,
      explain: (inputs, total, stretch) =>
        techniques.length === 1
          ? this.#inputs.explain(work, inputs, { total, onProgress: this.#listener(techniques, stretch) })
          : this.#explainInner(work, techniques, inputs, { total, onProgress: this.#listener(techniques, stretch) }),
      scores: (inputs, total, stretch) =>
        this.#inputs.scores(work, inputs, { total, onProgress: this.#listener(techniques, stretch) }),
    };
  }

  /** Of the outermost technique: the others' inputs are steps within its own. */
  #listener(techniques: readonly ChosenTechnique[], stretch: Stretch = [0, 1]) {
    const all = this.#request.techniques;
    if (techniques.length < all.length) return undefined;
    const methods = new Set(this.#slots.map(({ method }) => method.definition.name));
    const whose = { technique: all.at(-1)!.definition.name, ...(methods.size === 1 && { method: [...methods][0]! }) };
    return this.#progress?.stretch(stretch, whose);
  }

  /** One after the other: the inner technique has its own inputs side by side. */
  async *#explainInner(
    base: Work,
    techniques: readonly ChosenTechnique[],
    inputs: Inputs,
    { total, onProgress }: Counted,
  ): AsyncGenerator<ExplainedInput, void, void> {
    const outer = techniques.at(-1)!.definition;
    let done = 0;
    for await (const input of inputs) {
      const isOwn = input.tensor === base.image.tensor && input.change === undefined;
      const work = isOwn ? base : await this.#inputs.workOf(base, input);
      const maps = await this.apply(work, techniques.slice(0, -1));
      const scores = outer.needs?.scores ? await firstOf(this.#inputs.scores(base, [input], { total: 1 })) : undefined;
      onProgress?.({ done: ++done, total });
      yield { maps: maps.map(one => ({ raw: one.raw, finished: withUnsound(one) })), scores };
    }
  }

  #slot({ method }: ReturnType<typeof slotsOf>[number]): Slot {
    const { seed, signal } = this.#request;
    return {
      method: method.definition.name,
      convention: method.convention,
      relu: method.params.relu === true,
      fuse: layers => fused(layers, method.fusion ?? 'mean'),
      ofTensors: async (tensors, size) => {
        if (!isSumOfChannels(method)) throw new TypeError(`${method.definition.name} is no sum over channels`);
        return (await applyMethod(method, [tensors], size, { seed, signal })).raw[0]!;
      },
    };
  }
}
