import { OnnxCamError } from '../common/errors.ts';
import type { Progress } from '../common/progress.ts';
import { withSignal } from '../engine/cancellation.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { ScoreView } from '../targets/target.ts';
import { openInt8 } from './int8-runs.ts';
import type { Int8Outcome, UseInt8 } from './int8-version.ts';
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
  /** Runs are made with the model's int8 version, where there is one. */
  readonly int8?: UseInt8;
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
}

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
    this.#saved += passes;
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
  async score({ model: use, variants, count, dims, chunk, view }: ScoredItems): Promise<Float64Array> {
    const { signal, row, provider, threads, batchSize } = this.#options;
    if (!use)
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        'the network cannot be cut at this layer, which the method needs; choose another layer',
      );
    if (count === 0) return new Float64Array();
    const targets = toNativeTargets(this.#settled, view, row.activation);
    const scores = await this.#withModel(use, { variants, count, dims, view }, model => {
      const asked: Setting = {
        provider: model.session.onDevice ? 'device' : provider,
        threads,
        chunk: model.batch ?? batchSize,
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
    });
    this.#made += count;
    return scores;
  }

  /** With the int8 version where it is asked for and holds what it promises, else with the float model. */
  async #withModel(
    use: UseModel,
    { variants, count, dims, view }: Pick<ScoredItems, 'variants' | 'count' | 'dims' | 'view'>,
    task: (model: ScoringModel) => Promise<Float64Array>,
  ): Promise<Float64Array> {
    const { int8, signal, row, threads } = this.#options;
    if (!int8) return use(task);
    const done = await int8(async version => {
      if (typeof version === 'string') return version;
      // One run is made sooner than an int8 version.
      if (count === 1) return task({ ...version.observer, output: version.scores });
      const opened = await openInt8({
        version,
        variants,
        count,
        threads,
        view,
        classes: row.logits.length,
        targets: this.#settled,
        activation: row.activation,
        run: async (model, of, item, targets) => {
          const run = { begin: item, end: item + 1, chunk: model.batch ?? 1, parallel: 1 };
          const { scores } = await withSignal(signal, cancellation =>
            nativeScoring().scoreVariants(
              toNativeModel(model, dims),
              of,
              targets,
              run,
              new Int32Array(1),
              cancellation,
            ),
          );
          return scores;
        },
      });
      if (typeof opened === 'string') return opened;
      this.#int8 ??= opened.outcome;
      try {
        return await task(opened.model);
      } finally {
        await opened.model.session.dispose();
      }
    }).catch(reasonForFloat);
    if (typeof done !== 'string') return done;
    this.#warnings.add(`scoringPrecision 'int8' was asked for and the runs are float: ${done}`);
    return use(task);
  }
}

/** What the runtime cannot do in int8 it may well do in float. @throws everything else */
function reasonForFloat(error: unknown): string {
  if (error instanceof OnnxCamError && RUNTIMES_OWN.has(error.code)) return error.message;
  throw error;
}

const RUNTIMES_OWN: ReadonlySet<string> = new Set(['ERR_RUNTIME', 'ERR_MODEL_INVALID', 'ERR_OUT_OF_MEMORY']);
