import { OnnxCamError } from '../common/errors.ts';
import type { Progress } from '../common/progress.ts';
import { Random } from '../common/random.ts';
import { withSignal } from '../engine/cancellation.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { ScoreView } from '../targets/target.ts';
import { type ScoredCall, withErrors } from './int8-rehearsal.ts';
import { openInt8 } from './int8-runs.ts';
import type { Int8Outcome, Int8Version, UseInt8 } from './int8-version.ts';
import { toNativeTargets } from './native-arguments.ts';
import { type NativeVariants, nativeScoring } from './native-scoring.ts';
import { ProgressCounter } from './progress-counter.ts';
import { runScheduled, type Setting } from './schedule.ts';
import type { ScorerRuns } from './scorer.ts';
import { type ScoringModel, toNativeModel, type UseModel } from './scoring-model.ts';
import { type SettledTarget, settleTargets } from './target-terms.ts';

/** What scorers of one image are given, whatever they change. */
export interface ScorerOptions {
  /** Logits of the unchanged image. */
  readonly row: ScoreRow;
  readonly targets: readonly ResolvedTarget[];
  readonly provider: Setting['provider'];
  /** The explainer's thread budget. */
  readonly threads: number;
  /** Items per run; else measured. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Runs are made with the model's int8 version; or why they are not. */
  readonly int8?: UseInt8 | string;
}

/** Many items to be run through one model. */
export interface ScoredItems {
  readonly model: UseModel | undefined;
  readonly variants: NativeVariants;
  readonly count: number;
  /** Dimensions of one item. */
  readonly dims: readonly number[];
  /** Items per run, where neither the model nor the user says. */
  readonly chunk?: (setting: Setting) => number;
  readonly view?: ScoreView;
  /** Items in a row that are the same mask. */
  readonly repeats?: number;
  /** Masks are random ones, whose map is their sum weighted by the scores. */
  readonly random?: boolean;
  /** Always float: the scores are the answer, not steps to a map by which an int8 version could be judged. */
  readonly exact?: boolean;
}

type Int8Items = Pick<ScoredItems, 'variants' | 'count' | 'dims' | 'view' | 'repeats' | 'random' | 'exact'>;

/** Fewer runs are made sooner in float than an int8 version is made. */
const WORTH_INT8 = 160;

/** What scorers of either trade are made of: their runs with their scores, how many there were, and what there is to say about them. */
export class ScoringRuns {
  readonly targets: number;
  readonly #kind: 'network' | 'tail';
  readonly #options: ScorerOptions;
  readonly #settled: readonly SettledTarget[];
  readonly #progress: ProgressCounter;
  readonly #warnings = new Set<string>();
  #made = 0;
  #saved = 0;
  #int8: Int8Outcome | undefined;
  /** Why runs are float after all. */
  #refused: string | undefined;
  readonly #calls: ScoredCall[] = [];
  /** Calls that are left of a rehearsal. */
  #rehearsed: ScoredCall[] | undefined;
  #random = new Random(0);

  constructor(kind: 'network' | 'tail', options: ScorerOptions) {
    this.#kind = kind;
    this.#options = options;
    this.targets = options.targets.length;
    this.#settled = settleTargets(options.targets, options.row);
    this.#progress = new ProgressCounter(options.onProgress);
  }

  get runs(): ScorerRuns {
    return { network: 0, tail: 0, [this.#kind]: this.#made, saved: this.#saved };
  }

  /** Of runs that were made in int8; undefined where none were. */
  get int8(): Int8Outcome | undefined {
    return this.#int8;
  }

  get warnings(): string[] {
    return [...this.#warnings];
  }

  save(passes: number): void {
    if (!this.#rehearsed) this.#saved += passes;
  }

  async rehearse<T>(seed: number, task: () => Promise<T>): Promise<T> {
    this.#rehearsed = this.#calls.slice();
    this.#random = new Random(seed);
    try {
      return await task();
    } finally {
      this.#rehearsed = undefined;
    }
  }

  refuseInt8(reason: string): void {
    this.#refused = reason;
    this.#int8 = undefined;
    this.#saved = 0;
    this.#calls.length = 0;
  }

  clean(view?: ScoreView): Float64Array {
    const { row } = this.#options;
    const { targets } = toNativeTargets(this.#settled, view, row.activation);
    return Float64Array.from(targets, terms =>
      terms.reduce((sum, { viewName, index, weight }) => sum + weight * row.view(viewName, index), 0),
    );
  }

  /**
   * [items, targets].
   * @throws `ERR_METHOD_UNSUPPORTED` without a model
   */
  async score({
    model: use,
    variants,
    count,
    dims,
    chunk,
    view,
    repeats = 1,
    random = false,
    exact = false,
  }: ScoredItems): Promise<Float64Array> {
    if (count === 0) return new Float64Array();
    const again = this.#rehearsed?.shift();
    if (again) return withErrors(again, this.#random);
    const { signal, row, provider, threads, batchSize } = this.#options;
    if (!use)
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        'the network cannot be cut at this layer, which the method needs; choose another layer',
      );
    const targets = toNativeTargets(this.#settled, view, row.activation);
    const { scores, errors } = await this.#withModel(
      use,
      { variants, count, dims, view, repeats, random, exact },
      model => {
        const asked: Setting = {
          provider: model.session.onDevice ? 'device' : provider,
          threads,
          chunk: model.batch ?? batchSize,
          like: model.like,
        };
        const setting = asked.chunk === undefined && chunk ? { ...asked, chunk: chunk(asked) } : asked;
        return this.#progress.track(count, () =>
          withSignal(signal, cancellation =>
            runScheduled(
              model.session,
              setting,
              count,
              this.targets,
              (begin, end, schedule) =>
                nativeScoring().scoreVariants(
                  toNativeModel(model, dims),
                  variants,
                  targets,
                  { begin, end, ...schedule },
                  this.#progress.counter,
                  cancellation,
                ),
              warning => this.#warnings.add(warning),
            ),
          ),
        );
      },
    );
    this.#made += count;
    if (this.#options.int8 !== undefined) this.#calls.push({ scores: scores.slice(), errors, repeats });
    return scores;
  }

  /** With the int8 version where it is asked for, pays, and holds what it promises, else with the float model. */
  async #withModel(
    use: UseModel,
    items: Int8Items,
    task: (model: ScoringModel) => Promise<Float64Array>,
  ): Promise<Pick<ScoredCall, 'scores' | 'errors'>> {
    const { int8 } = this.#options;
    const float = async () => ({ scores: await use(task) });
    const reason = this.#refused ?? (typeof int8 === 'string' ? int8 : undefined);
    if (!int8 || items.exact || (reason === undefined && items.count < WORTH_INT8)) return float();
    const done =
      reason ?? (await (int8 as UseInt8)(version => this.#inInt8(version, items, task)).catch(reasonForFloat));
    if (typeof done !== 'string') return done;
    this.#warnings.add(`scoringPrecision 'int8' was asked for and the runs are float: ${done}`);
    return float();
  }

  async #inInt8(
    version: Int8Version | string,
    { variants, count, dims, view, repeats = 1, random = false }: Int8Items,
    task: (model: ScoringModel) => Promise<Float64Array>,
  ): Promise<Pick<ScoredCall, 'scores' | 'errors'> | string> {
    if (typeof version === 'string') return version;
    const { signal, row, threads } = this.#options;
    const opened = await openInt8({
      version,
      variants,
      count,
      threads,
      view,
      classes: row.logits.length,
      targets: this.#settled,
      activation: row.activation,
      random,
      run: async (model, of, item, targets) => {
        const run = { begin: item, end: item + 1, chunk: model.batch ?? 1, parallel: 1 };
        const { scores } = await withSignal(signal, cancellation =>
          nativeScoring().scoreVariants(toNativeModel(model, dims), of, targets, run, new Int32Array(1), cancellation),
        );
        return scores;
      },
    });
    if (typeof opened === 'string') return opened;
    const { model, errors, moved } = opened;
    const masks = Math.max(this.#int8?.masks ?? 0, count / repeats);
    this.#int8 = { moved: this.#int8?.moved ?? moved, masks };
    try {
      return { scores: await task({ ...model, like: version.observer.session }), errors };
    } finally {
      await model.session.dispose();
    }
  }
}

/** What the runtime cannot do in int8 it may well do in float. @throws everything else */
function reasonForFloat(error: unknown): string {
  if (error instanceof OnnxCamError && RUNTIMES_OWN.has(error.code)) return error.message;
  throw error;
}

const RUNTIMES_OWN: ReadonlySet<string> = new Set([
  'ERR_RUNTIME',
  'ERR_MODEL_INVALID',
  'ERR_MODEL_UNSUPPORTED',
  'ERR_OUT_OF_MEMORY',
]);
