import { OnnxCamError } from '../common/errors.ts';
import type { StepsDone } from '../common/progress.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Maps } from '../kernels/types.ts';
import { withUnsound } from '../maps/apply-method.ts';
import { wholeFor } from '../network/picture-values.ts';
import type { ExplainRequest, MethodRun } from '../request/request.ts';
import type { Runs } from '../result/explanation-fields.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { ChangedInput, ExplainedInput, InputMaps, InputScores, Inputs } from '../techniques/technique.ts';
import { changedRuns } from './changed-runs.ts';
import { type ComputedMaps, computeMaps } from './compute-maps.ts';
import { groupRuns, type Work } from './group-runs.ts';
import { headSetting, probabilityOf } from './head-setting.ts';
import { inHalves } from './in-halves.ts';
import { imageTensors, layerTensors } from './layer-tensors.ts';
import type { Computed } from './method-input.ts';
import { onChangedInput } from './on-changed-input.ts';
import { scoresOf } from './run-targets.ts';
import type { Stage } from './stage.ts';

/** How a size is refused that a model does not take: by a run, or by a graph that cannot be written or opened for it. */
const SIZE_CODES: ReadonlySet<string> = new Set([
  'ERR_RUNTIME',
  'ERR_INPUT_SHAPE',
  'ERR_MODEL_INVALID',
  'ERR_MODEL_UNSUPPORTED',
  'ERR_NO_GRADIENT',
]);

/** How many inputs there are, and who hears of those that are done. */
export interface Counted {
  readonly total: number;
  readonly onProgress?: ((steps: StepsDone) => void) | undefined;
}

/** What a technique asks for besides maps. */
export interface Wanted {
  readonly scores: boolean;
  readonly tensors: boolean;
}

/**
 * Explains inputs that were made of one image: some at once, each on one thread, as the pictures of an array. Counts the
 * passes.
 */
export class InputExplainer {
  readonly #stage: Stage;
  readonly #request: ExplainRequest;
  readonly #wanted: Wanted;
  readonly #clean: Work;
  readonly #ofClean: ComputedMaps;
  /** Of each method with each of its sets of layers: passes besides those of the clean image. */
  readonly runs: Runs[];
  readonly warnings = new Set<string>();

  /**
   * @param clean the image itself, its targets without ranks
   * @param ofClean what is made of it already
   */
  constructor(stage: Stage, request: ExplainRequest, wanted: Wanted, clean: Work, ofClean: ComputedMaps) {
    this.#stage = stage;
    this.#request = request;
    this.#wanted = wanted;
    this.#clean = clean;
    this.#ofClean = ofClean;
    this.runs = slotsOf(ofClean).map(() => ({ network: 0, tail: 0, saved: 0 }));
  }

  /** @param base what the inputs were made of */
  async *explain(base: Work, inputs: Inputs, counted: Counted): AsyncGenerator<ExplainedInput, void, void> {
    yield* this.#sideBySide(inputs, counted, batch => this.#explainBatch(base, batch));
  }

  async *scores(base: Work, inputs: Inputs, counted: Counted): AsyncGenerator<InputScores, void, void> {
    const { network } = this.#stage;
    yield* this.#sideBySide(inputs, counted, async batch => {
      const scores: InputScores[] = [];
      for (const input of batch) {
        const work = await this.workOf(base, input);
        const row = await scoresOf(network, work.image.tensor, work.targets[0]!, this.#request.signal);
        for (const [s, runs] of this.runs.entries()) this.runs[s] = { ...runs, network: runs.network + 1 };
        scores.push(this.#scoresOf(row, work.targets));
      }
      return scores;
    });
  }

  /** What is asked of an input. @throws `ERR_INPUT_SHAPE` for a size that the model does not take */
  async workOf(base: Work, { tensor, change }: ChangedInput): Promise<Work> {
    const { network } = this.#stage;
    const data = wholeFor(network.model.input, tensor.data);
    return onChangedInput(network, base, { tensor: { ...tensor, data }, change });
  }

  async *#sideBySide<T>(
    inputs: Inputs,
    { total, onProgress }: Counted,
    task: (batch: readonly ChangedInput[]) => Promise<readonly T[]>,
  ): AsyncGenerator<T, void, void> {
    const { schedule, network } = this.#stage;
    const { signal, batchSize } = this.#request;
    const size = schedule.inputsPerRun(network.model.input.batch, batchSize);
    const batches = batched(inputs, size, this.#clean.image.tensor);
    const run = (batch: readonly ChangedInput[]) =>
      task(batch).catch(error => {
        throw this.#sizeRefused(batch[0]!, error) ?? error;
      });
    yield* changedRuns(batches, run, { schedule, total, signal, onProgress });
  }

  async #explainBatch(base: Work, batch: readonly ChangedInput[]): Promise<ExplainedInput[]> {
    const { network } = this.#stage;
    // The clean image has its maps.
    if (batch.length === 1 && this.#isClean(base, batch[0]!))
      return [await this.#explained(this.#clean, this.#ofClean, 0)];
    const own = await Promise.all(batch.map(async (input, index) => ({ ...(await this.workOf(base, input)), index })));
    const explained: ExplainedInput[] = [];
    const fixed = network.model.input.batch !== undefined;
    for (const group of groupRuns(own, batch.length)) {
      const results = await inHalves(group, fixed, async (work, warnings) => {
        for (const warning of warnings) this.warnings.add(warning);
        const computed = await computeMaps(this.#stage, work, this.#request);
        try {
          this.#count(computed, work.length);
          return await Promise.all(work.map((one, i) => this.#explained(one, computed, i)));
        } finally {
          computed.release();
        }
      });
      for (const [i, { index }] of group.entries()) explained[index] = results[i]!;
    }
    return explained;
  }

  #isClean(base: Work, { tensor, change }: ChangedInput): boolean {
    return base === this.#clean && tensor === this.#clean.image.tensor && change === undefined;
  }

  /** What was made of the i-th input of a run. */
  async #explained({ targets }: Work, computed: ComputedMaps, i: number): Promise<ExplainedInput> {
    const { run } = computed.outcome;
    const maps = slotsOf(computed).map(({ method, set, of, run: own }): InputMaps => {
      const { maps: stack, first } = of[i]!;
      for (const warning of [...stack.warnings, ...of[i]!.warnings]) this.warnings.add(warning);
      const count = Math.min(targets.length, stack.verdicts.length - first);
      const cut = (maps: Maps) => part(maps, first, count);
      const many = computed.outcome.targets.length > run.rows.length;
      const tensors =
        this.#wanted.tensors && isSumOfChannels(method)
          ? method.layerSets[set]!.map(layer => ({
              ...layerTensors(this.#stage.network, own, layer, method, targets),
              ...imageTensors(own, layer, i, many),
            }))
          : undefined;
      return { raw: stack.raw.map(cut), finished: cut(withUnsound(stack)), tensors };
    });
    return { maps, scores: this.#wanted.scores ? this.#scoresOf(run.rows[i]!, targets) : undefined };
  }

  #scoresOf(row: ScoreRow, targets: readonly ResolvedTarget[]): InputScores {
    const { setting, network } = this.#stage;
    const { headKind } = headSetting(setting, network, targets[0]!);
    return {
      best: row.classOf(-1),
      targets: targets.map(target => {
        const index = row.classOf(target.terms[0]!.index);
        return { score: row.score(target), probability: probabilityOf(target, row, index, headKind) };
      }),
    };
  }

  #count({ outcome, methods }: ComputedMaps, inputs: number): void {
    let slot = 0;
    for (const { sets, passes } of methods)
      for (const set of sets) {
        const runs = this.runs[slot]!;
        const sum = (key: keyof Runs) => set.reduce((total, { runs: own }) => total + own[key], runs[key]);
        const network = sum('network') + inputs * (1 + outcome.extraRuns + passes);
        this.runs[slot++] = { network, tail: sum('tail'), saved: sum('saved') };
      }
  }

  /** Of models that say to take any size. */
  #sizeRefused({ tensor }: ChangedInput, error: unknown): OnnxCamError | undefined {
    const { image } = this.#clean;
    if (String(tensor.dims) === String(image.tensor.dims) || !(error instanceof OnnxCamError)) return undefined;
    if (!SIZE_CODES.has(error.code)) return undefined;
    const names = this.#request.techniques.map(({ definition }) => definition.name).join(', ');
    return new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `${names} feeds the model inputs of other sizes than the image's, and it did not take [${tensor.dims}] (its image is ` +
        `[${image.tensor.dims}]): ${error.message}; take augmentation or smooth-grad, which keep the size`,
      { cause: error },
    );
  }
}

/** One method with one of its sets of layers, of what a run made. */
interface ComputedSlot {
  readonly method: MethodRun;
  readonly set: number;
  /** By image. */
  readonly of: readonly Computed[];
  readonly run: ComputedMaps['methods'][number]['run'];
}

/** In the order of methods and their sets of layers. */
export function slotsOf({ methods }: ComputedMaps): ComputedSlot[] {
  return methods.flatMap(({ method, sets, run }) => sets.map((of, set) => ({ method, set, of, run })));
}

/** Whether maps of groups of channels add up to that of all. */
export function isSumOfChannels({ definition, params }: MethodRun): boolean {
  return definition.channelwise === true && params.eigenSmooth !== true;
}

function part({ data, ...maps }: Maps, first: number, count: number): Maps {
  const [, height, width] = maps.dims;
  const area = height * width;
  return { ...maps, data: data.subarray(first * area, (first + count) * area), dims: [count, height, width] };
}

/** Inputs of one size that come one after the other, so many at once; the clean image by itself. */
async function* batched(
  inputs: Inputs,
  size: number,
  clean: Tensor<'float32'>,
): AsyncGenerator<readonly ChangedInput[]> {
  let batch: ChangedInput[] = [];
  for await (const input of inputs) {
    const [first] = batch;
    const apart = first && (first.tensor === clean || input.tensor === clean || !sameDims(first, input));
    if (apart || batch.length === size) {
      yield batch;
      batch = [];
    }
    batch.push(input);
  }
  if (batch.length > 0) yield batch;
}

const sameDims = (a: ChangedInput, b: ChangedInput): boolean => String(a.tensor.dims) === String(b.tensor.dims);
