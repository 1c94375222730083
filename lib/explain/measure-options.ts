import { checkNames, checkObject, checkOneOf, invalid } from '../common/checks.ts';
import type { Progress } from '../common/progress.ts';
import type { Tensor } from '../engine/tensor.ts';
import { type Convention, FUSIONS, type Fusion } from '../methods/definition.ts';
import type { MetricSpec } from '../metrics/choose.ts';
import { METRIC_CONVENTIONS, type MetricConvention } from '../metrics/definition.ts';
import { checkCallOptions, type LayerOption } from '../options.ts';
import type { TargetInput } from '../targets/target.ts';
import { checkTechnique, type TechniqueOption } from '../techniques/choose.ts';
import type { TruthInput } from '../truth/truth.ts';
import { checkMap, type MapInput } from './map-at-input.ts';

/** Options of `measure`. */
export interface MeasureOptions {
  /** The map that is judged: at the size of the model's input, of the picture, or of a layer. */
  map?: MapInput | undefined;
  /** Several maps of the same image, which share what they can. */
  maps?: readonly MapInput[] | undefined;
  /** Names, or { metric, params } (default: all that do not need the method once more; those that need the truth with `truth`). */
  metrics?: readonly MetricSpec[] | undefined;
  /** Default: the class of the explanation that is judged, else 'top1'. */
  target?: TargetInput | undefined;
  /** Whose formulas, defaults and tie rules (default: the explanation's, else 'paper'). */
  convention?: MetricConvention | undefined;
  /** Where the object is: { boxes, mask, label }, a function of the image, or a path as `evaluate` takes. */
  truth?: TruthInput | undefined;
  /** Of metrics that explain again; an Explanation brings its own. */
  method?: string | undefined;
  /** Parameters of `method`. */
  params?: Readonly<Record<string, unknown>> | undefined;
  /** Layers of `method`. */
  layer?: LayerOption | undefined;
  /** How `method` joins several layers. */
  fusion?: Fusion | undefined;
  /** What sharpens the maps of `method`. */
  technique?: TechniqueOption | undefined;
  /** Seed of everything random (default 0). */
  seed?: number | undefined;
  /** Images per network run. */
  batchSize?: number | undefined;
  /** Fixed tensors for inputs besides the image, before those of `load`. */
  inputs?: Readonly<Record<string, Tensor>> | undefined;
  /** Ends the call with `ERR_ABORTED`. */
  signal?: AbortSignal | undefined;
  /** Called with the passes done. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Metrics that are known by name while the program is written. */
export type Measuring<M> = Omit<MeasureOptions, 'map' | 'maps' | 'metrics'> & {
  /** Names, or `{ metric, params }`. */
  readonly metrics?: M | undefined;
};

const MEASURE_OPTIONS: readonly string[] = [
  'map',
  'maps',
  'metrics',
  'target',
  'convention',
  'truth',
  'method',
  'params',
  'layer',
  'fusion',
  'technique',
  'seed',
  'batchSize',
  'inputs',
  'signal',
  'onProgress',
] satisfies (keyof MeasureOptions)[];

/** @throws `ERR_OPTION_INVALID` with what was expected and what came */
export function checkMeasureOptions(options: MeasureOptions): void {
  checkObject(options, 'measure');
  checkNames(options, MEASURE_OPTIONS, 'measure');
  const { map, maps, method, params } = options;
  if ((map === undefined) === (maps === undefined)) throw invalid('measure takes `map`, or `maps` with several');
  if (maps !== undefined && (!Array.isArray(maps) || maps.length === 0))
    throw invalid('`maps` must be an array with at least one map');
  for (const one of maps ?? [map]) checkMap(one);
  if (method !== undefined && typeof method !== 'string') throw invalid('`method` is the name of one method');
  if (params !== undefined) checkObject(params, '`params`');
  checkOneOf('convention', options.convention, METRIC_CONVENTIONS);
  checkOneOf('fusion', options.fusion, FUSIONS);
  checkTechnique(options.technique);
  checkCallOptions(options);
}

/** The convention of the maps that a metric's convention belongs to. */
export function mapConvention(convention: MetricConvention | undefined): Convention {
  return convention === 'torchcam' || convention === 'pytorch-grad-cam' ? convention : 'paper';
}
