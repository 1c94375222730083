import { checkCount, checkNames, checkObject, checkOneOf, checkSeed, invalid } from '../common/checks.ts';
import type { Progress } from '../common/progress.ts';
import { shown } from '../common/shown.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { MetricSpec } from '../metrics/choose.ts';
import { METRIC_CONVENTIONS, type MetricConvention } from '../metrics/definition.ts';
import { checkInputs, type LayerOption } from '../options.ts';
import type { TargetInput } from '../targets/target.ts';
import type { TruthInput } from '../truth/truth.ts';

/** A method's name, or with parameters of its own. */
export type MethodSpec = string | { readonly method: string; readonly params?: Readonly<Record<string, unknown>> };

/** Options of `evaluate`. */
export interface EvaluateOptions {
  /** Default: Grad-CAM. */
  methods?: readonly MethodSpec[];
  /** Each of them for every method (default: the automatic one). */
  layers?: readonly LayerOption[];
  /** Each of them for every method: of the maps and of the metrics (default: the paper's). */
  conventions?: readonly MetricConvention[];
  /** Default: all that need neither the method once more, nor truth unless there is some. */
  metrics?: readonly MetricSpec[];
  truth?: TruthInput;
  /** The class that is explained: any target, or 'label' for the one that the truth names (default: the best one). */
  target?: TargetInput;
  /** Maps that show what chance scores, besides the methods' (default true). */
  controls?: boolean;
  /** Images whose best class is not the truth's are left out. */
  only?: 'correct';
  /** Images at most. */
  limit?: number;
  seed?: number;
  /** Images in work at once. */
  concurrency?: number;
  /** A folder with an evaluation of the same kind: what is there is not done again, and the rows are written there. */
  resume?: string;
  batchSize?: number;
  inputs?: Readonly<Record<string, Tensor>>;
  signal?: AbortSignal;
  /** Called with images done. */
  onProgress?: (progress: Progress) => void;
}

const EVALUATE_OPTIONS: readonly string[] = [
  'methods',
  'layers',
  'conventions',
  'metrics',
  'truth',
  'target',
  'controls',
  'only',
  'limit',
  'seed',
  'concurrency',
  'resume',
  'batchSize',
  'inputs',
  'signal',
  'onProgress',
] satisfies (keyof EvaluateOptions)[];

/** @throws `ERR_OPTION_INVALID` with what was expected and what came */
export function checkEvaluateOptions(options: EvaluateOptions): void {
  checkObject(options, 'evaluate');
  checkNames(options, EVALUATE_OPTIONS, 'evaluate');
  for (const name of ['methods', 'layers', 'conventions'] as const) {
    const list = options[name];
    if (list !== undefined && (!Array.isArray(list) || list.length === 0))
      throw invalid(`\`${name}\` must be an array with at least one entry`);
  }
  for (const convention of options.conventions ?? []) checkOneOf('conventions', convention, METRIC_CONVENTIONS);
  for (const spec of options.methods ?? []) checkMethod(spec);
  const { controls, resume, signal, onProgress } = options;
  if (controls !== undefined && typeof controls !== 'boolean') throw invalid('`controls` is true or false');
  if (resume !== undefined && (typeof resume !== 'string' || resume === '')) throw invalid('`resume` is a folder');
  checkOneOf('only', options.only, ['correct']);
  checkCount('limit', options.limit, 1);
  checkCount('concurrency', options.concurrency, 1);
  checkCount('batchSize', options.batchSize, 1);
  checkSeed(options.seed);
  checkInputs(options.inputs);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('`signal` must be an AbortSignal');
  if (onProgress !== undefined && typeof onProgress !== 'function') throw invalid('`onProgress` must be a function');
  if ((options.only === 'correct' || options.target === 'label') && options.truth === undefined)
    throw invalid("only: 'correct' and target: 'label' need `truth`, which names the classes");
}

function checkMethod(spec: unknown): void {
  if (typeof spec === 'string') return;
  checkObject(spec, '`methods`');
  checkNames(spec as object, ['method', 'params'], 'an entry of `methods`');
  const { method, params } = spec as { method: unknown; params: unknown };
  if (typeof method !== 'string') throw invalid(`\`method\` is a name, not ${shown(method)}`);
  if (params !== undefined) checkObject(params, `the parameters of ${method}`);
}
