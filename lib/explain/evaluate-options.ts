import { checkCount, checkNamed, checkNames, checkObject, checkOneOf, invalid, isRecord } from '../common/checks.ts';
import type { Progress } from '../common/progress.ts';
import { shown } from '../common/shown.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { EvaluationRow } from '../evaluation/rows.ts';
import type { EvaluationSummary } from '../evaluation/summary.ts';
import type { TensorInput } from '../image/source.ts';
import { FUSIONS, type Fusion } from '../methods/definition.ts';
import type { MetricSpec } from '../metrics/choose.ts';
import { METRIC_CONVENTIONS, type MetricConvention } from '../metrics/definition.ts';
import { checkCallOptions, type LayerOption } from '../options.ts';
import type { TargetInput } from '../targets/target.ts';
import { checkTechnique, type TechniqueOption } from '../techniques/choose.ts';
import type { TruthInput } from '../truth/truth.ts';

/** A method's name, or with parameters of its own, how it joins layers, and what sharpens its maps. */
export type MethodSpec =
  | string
  | {
      /** Its name. */
      readonly method: string;
      /** Its parameters (default: the convention's). */
      readonly params?: Readonly<Record<string, unknown>> | undefined;
      /** How maps of several layers become one (default: the convention's). */
      readonly fusion?: Fusion | undefined;
      /** What sharpens its maps (default: nothing). */
      readonly technique?: TechniqueOption | undefined;
    };

/** A tensor with the name that its rows have, for sources that are no paths. */
export interface NamedTensor {
  /** Stands in rows, files and messages. */
  readonly name: string;
  /** A preprocessed tensor of one image. */
  readonly tensor: TensorInput;
}

export function isNamed(input: unknown): input is NamedTensor {
  return isRecord(input) && typeof input.name === 'string' && isRecord(input.tensor);
}

/** Options of `evaluate`. */
export interface EvaluateOptions {
  /** Default: 'grad-cam'. */
  methods?: readonly MethodSpec[] | undefined;
  /** Sets of layers, each of which every method is asked for (default: the automatic choice). */
  layers?: readonly LayerOption[] | undefined;
  /** Default: 'paper'. */
  conventions?: readonly MetricConvention[] | undefined;
  /** Names, or { metric, params } (default: as of `measure`). */
  metrics?: readonly MetricSpec[] | undefined;
  /** Of every image; 'label': the class that the truth names. */
  target?: TargetInput | undefined;
  /** Where the objects of the pictures are; metrics of localisation need it. */
  truth?: TruthInput | undefined;
  /** Rows of a random, a centred and a constant map as well (default true). */
  controls?: boolean | undefined;
  /** 'correct': images whose first class is the truth's. */
  only?: 'correct' | undefined;
  /** Images that are read, from the first on. */
  limit?: number | undefined;
  /** Seed of everything random (default 0). */
  seed?: number | undefined;
  /** Images in work at once. */
  concurrency?: number | undefined;
  /** Images per network run. */
  batchSize?: number | undefined;
  /** Fixed tensors for inputs besides the image, before those of `load`. */
  inputs?: Readonly<Record<string, Tensor>> | undefined;
  /** Rows are written here as they come. */
  folder?: string | undefined;
  /** Rows of the same run that are in `folder` already are not computed again. */
  resume?: boolean | undefined;
  /** Images that the page of `save` shows with their maps, from the first on (default 300; 0: numbers alone). */
  pictures?: number | undefined;
  /** Ends the run with `ERR_ABORTED`. */
  signal?: AbortSignal | undefined;
  /** Called with images done. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

const EVALUATE_OPTIONS: readonly string[] = [
  'methods',
  'layers',
  'conventions',
  'metrics',
  'target',
  'truth',
  'controls',
  'only',
  'limit',
  'seed',
  'concurrency',
  'batchSize',
  'inputs',
  'folder',
  'resume',
  'pictures',
  'signal',
  'onProgress',
] satisfies (keyof EvaluateOptions)[];

/** What `save` says. */
export interface SavedEvaluation {
  /** Of the page. */
  readonly path: string;
  /** What is to be known of the page: that it is large, or that pictures of an earlier run could not be taken over. */
  readonly warnings: readonly string[];
}

/** A run of `evaluate`: its rows as they come, and what they say together. */
export interface EvaluationRun extends AsyncIterable<EvaluationRow> {
  /**
   * Drains what is left.
   * @throws what reading the rows throws
   */
  summary(): Promise<EvaluationSummary>;
  /**
   * Drains what is left, and writes metrics.csv, curves.json, summary.json, pictures.jsonl and the page index.html, the last.
   * @throws `ERR_OUTPUT`, and what `summary` throws
   */
  save(folder: string): Promise<SavedEvaluation>;
}

/** @throws `ERR_OPTION_INVALID` with what was expected and what came */
export function checkEvaluateOptions(options: EvaluateOptions): void {
  checkObject(options, 'evaluate');
  checkNames(options, EVALUATE_OPTIONS, 'evaluate');
  const { methods, layers, conventions, truth, target, controls, only, folder, resume } = options;
  for (const [name, list] of Object.entries({ methods, layers, conventions }))
    if (list !== undefined && (!Array.isArray(list) || list.length === 0))
      throw invalid(`\`${name}\` must be an array with at least one entry, not ${shown(list)}`);
  for (const spec of methods ?? []) {
    checkNamed(spec, 'method', ['fusion', 'technique']);
    if (typeof spec === 'string') continue;
    checkOneOf('fusion', spec.fusion, FUSIONS);
    checkTechnique(spec.technique);
  }
  for (const convention of conventions ?? []) checkOneOf('conventions', convention, METRIC_CONVENTIONS);
  if ((target === 'label' || only === 'correct') && truth === undefined)
    throw invalid(
      target === 'label'
        ? "the target 'label' is the class that `truth` names; give `truth`"
        : "`only: 'correct'` compares with the class that `truth` names; give `truth`",
    );
  checkOneOf('only', only, ['correct']);
  for (const [name, value] of Object.entries({ controls, resume }))
    if (value !== undefined && typeof value !== 'boolean') throw invalid(`\`${name}\` must be true or false`);
  if (folder !== undefined && (typeof folder !== 'string' || folder === ''))
    throw invalid('`folder` is the path of a folder');
  if (resume && folder === undefined) throw invalid('`resume` goes on with what is in `folder`; give `folder`');
  checkCount('limit', options.limit, 1);
  checkCount('pictures', options.pictures, 0);
  checkCount('concurrency', options.concurrency, 1);
  checkCallOptions(options);
}
