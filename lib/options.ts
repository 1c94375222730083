import { checkCount, checkNames, checkObject, checkOneOf, checkSeed, invalid } from './common/checks.ts';
import { isAbortSignal } from './common/kinds.ts';
import type { Progress } from './common/progress.ts';
import { shown } from './common/shown.ts';
import type { Precision, ScoringPrecision } from './engine/precision.ts';
import { PRECISIONS, SCORING_PRECISIONS } from './engine/precision.ts';
import { SESSION_OPTION_NAMES, type SessionOptions } from './engine/session-options.ts';
import type { Tensor } from './engine/tensor.ts';
import { checkDecodeOptions, type DecodeOptions } from './image/decode-options.ts';
import { checkMapSize, type MapSize } from './image/map-size.ts';
import { checkPreprocess, type PreprocessOptions } from './image/preprocess-options.ts';
import type { PresetName } from './image/presets.ts';
import type { MethodOptions } from './methods/choose.ts';
import { CONVENTIONS, FUSIONS } from './methods/definition.ts';
import { isTokens } from './model/file/sidecar.ts';
import type { DetectionFormat, DetectionFormatName } from './targets/detection.ts';
import type { LabelsInput } from './targets/read-labels.ts';
import type { TargetInput } from './targets/target.ts';
import { checkTechnique, type TechniqueOption } from './techniques/choose.ts';

/** Options of `load`: onnxruntime-node's session options by their names, and how pictures meet this model. */
export interface LoadOptions extends Omit<SessionOptions, 'externalFiles'>, DecodeOptions {
  /**
   * The explainer's whole thread budget (default: physical cores). A single run uses that many threads; perturbation
   * methods use that many one-thread runs.
   */
  intraOpNumThreads?: number | undefined;
  /**
   * What the network computes in. 'auto' (default): as the model is, which on CUDA means TF32 for float32. 'fp32': float32
   * on CUDA as well. 'tf32': TF32 on CUDA; elsewhere float32 with a warning. 'fp16': a float32 model is converted to half
   * precision (anywhere, though only GPUs gain from it); its inputs and outputs stay as they are. Results say what was used.
   */
  precision?: Precision | undefined;
  /**
   * What the runs on changed inputs (Score-CAM, RISE, ablation and their kin) compute in, on a CPU: 'fp32' (default) the model
   * as it is; 'int8' an int8 version that the library makes for each picture. Where that is not close enough, the runs are
   * float, and a warning says so. Results say what was used.
   */
  scoringPrecision?: ScoringPrecision | undefined;
  /** A preset's name or the values themselves; wins over the model's `.onnx.json`. */
  preprocess?: PresetName | PreprocessOptions | undefined;
  /** Class names, by place or by index, or a file: one a line, or JSON in the usual shapes. */
  labels?: LabelsInput | undefined;
  /** Default target layer of this explainer. */
  layer?: LayerOption | undefined;
  /** Name of the image input, for models with several. */
  input?: string | undefined;
  /** Name of the class output, for models with several. */
  output?: string | undefined;
  /** Fixed tensors for the other inputs; those that come with each call may be left out. */
  inputs?: Readonly<Record<string, Tensor>> | undefined;
  /** How the outputs hold detections where they are not recognised; false where they are none. */
  detector?: false | DetectionFormatName | DetectionFormat | undefined;
  /**
   * How many calls of `explain`, `predict` and `measure` may be pending, in work or waiting (default: any number). Calls beyond
   * it are refused with `ERR_BUSY`; `explainer.pending` counts them.
   */
  maxQueue?: number | undefined;
  /** Ends loading, not what is done with the model later. */
  signal?: AbortSignal | undefined;
  /** Layout of token layers where it cannot be found from the shapes. */
  tokens?:
    | {
        /** Rows and columns of the tokens that lie on the picture. */
        readonly grid?: readonly [height: number, width: number] | undefined;
        /** Tokens before them, such as a class token. */
        readonly prefix?: number | undefined;
      }
    | undefined;
}

/** A tensor's or node's name, a negative number (candidates counted from the end), 'auto' or 'stages'. */
export type LayerName = string | number;
/** A layer, or several, of which one map is made (or one each, with `fuse: false`). */
export type LayerOption = LayerName | readonly LayerName[];

/** Options of `explain`. */
export interface ExplainOptions extends MethodOptions {
  /**
   * What to explain (default 'top1'). An array is several targets of one image, or of a batch one for each image; its entries may be
   * arrays then, and `[[a, b]]` is several targets of every image.
   */
  target?: TargetInput | readonly (TargetInput | readonly TargetInput[])[] | undefined;
  /** What the map is made from (default 'auto': one layer; several for methods that are defined on several). */
  layer?: LayerOption | undefined;
  /** With an array of layers: one map from all of them (default, as `fusion` says), or one for each. */
  fuse?: boolean | undefined;
  /** Ends the call with `ERR_ABORTED`, runs of the network under way too. */
  signal?: AbortSignal | undefined;
  /**
   * Called with images done; of `explain` where score methods or techniques run with their passes, a method and an image counting as
   * much as another. The total stays what it is. Tells whose the last step was: `index`, `input`, `method`, `technique`.
   */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Images per network run. */
  batchSize?: number | undefined;
  /** Seed of everything random (default 0). */
  seed?: number | undefined;
  /** Fixed tensors for inputs besides the image, before those of `load`. */
  inputs?: Readonly<Record<string, Tensor>> | undefined;
  /**
   * What maps and overlays are as large as (default 'picture'). 'input' and 'layer' lie over what the model saw, without
   * what a crop cut away, and overlays with them have the picture's size.
   */
  mapSize?: MapSize | undefined;
  /** What sharpens the maps: a technique's name, { name, params }, or an array of these, the first innermost. */
  technique?: TechniqueOption | undefined;
}

/** Of streams. */
export interface AtOnce {
  /** Images in work at once (default: what keeps the thread budget busy, twice its threads and one). */
  concurrency?: number | undefined;
}

/** Options of `stream`: those of `explain`, and how many images are in work. */
export interface StreamOptions extends ExplainOptions, AtOnce {}

/** Options of `predict`. */
export interface PredictOptions extends Pick<ExplainOptions, 'signal' | 'inputs'> {
  /** How many classes (default 5). */
  topK?: number | undefined;
}

/** A layer that can be explained. */
export interface LayerListing {
  /** The tensor's name: what `layer` takes. */
  readonly name: string;
  /** Name of the node that makes it; `layer` takes it too. */
  readonly node: string;
  /** Of that node. */
  readonly operator: string;
  /** −1 where the size follows the batch. */
  readonly shape: readonly number[];
  /** True for the automatic choice. */
  readonly chosen: boolean;
  /** Why it was chosen; null for the others. */
  readonly reason: string | null;
}

const EXPLAIN_OPTIONS: readonly string[] = [
  'method',
  'methods',
  'params',
  'target',
  'layer',
  'fuse',
  'convention',
  'fusion',
  'signal',
  'onProgress',
  'batchSize',
  'seed',
  'inputs',
  'mapSize',
  'technique',
] satisfies (keyof ExplainOptions)[];

const LOAD_OPTIONS: readonly string[] = [
  'precision',
  'scoringPrecision',
  'preprocess',
  'limitInputPixels',
  'decode',
  'labels',
  'layer',
  'input',
  'output',
  'inputs',
  'detector',
  'maxQueue',
  'signal',
  'tokens',
  ...SESSION_OPTION_NAMES.filter(name => name !== 'externalFiles'),
];

/**
 * Checks those options of `load` that nothing else does.
 * @throws `ERR_OPTION_INVALID` with what was expected and what came.
 */
export function checkLoadOptions(options: LoadOptions): void {
  checkObject(options, 'load');
  checkNames(options, LOAD_OPTIONS, 'load');
  checkOneOf('precision', options.precision, PRECISIONS);
  checkOneOf('scoringPrecision', options.scoringPrecision, SCORING_PRECISIONS);
  checkPreprocess(options.preprocess);
  checkDecodeOptions(options);
  checkTokens(options.tokens);
  if (options.maxQueue !== Number.POSITIVE_INFINITY) checkCount('maxQueue', options.maxQueue, 1);
  checkInputs(options.inputs);
  checkSignal(options.signal);
}

/** @throws `ERR_OPTION_INVALID` for `inputs` that are no tensors */
export function checkInputs(inputs: LoadOptions['inputs']): void {
  if (inputs !== undefined) checkObject(inputs, '`inputs`');
  for (const [name, tensor] of Object.entries(inputs ?? {}))
    if (!ArrayBuffer.isView(tensor?.data) || !Array.isArray(tensor.dims) || typeof tensor.type !== 'string')
      throw invalid(
        `\`inputs\`: '${name}' must be a tensor of numbers { type, data, dims } with a typed array as data`,
      );
}

/**
 * Checks the options of one `explain` call, or of a function that takes them and `further` ones.
 * @throws `ERR_OPTION_INVALID` with what was expected and what came.
 */
export function checkExplainOptions(options: ExplainOptions, where = 'explain', further: readonly string[] = []): void {
  checkObject(options, where);
  checkNames(options, further.length === 0 ? EXPLAIN_OPTIONS : [...EXPLAIN_OPTIONS, ...further], where);
  if (options.method !== undefined && options.methods !== undefined)
    throw invalid('give `method` or `methods`, not both');
  if (options.methods !== undefined && (!Array.isArray(options.methods) || options.methods.length === 0))
    throw invalid('`methods` must be an array with at least one method name');
  checkOneOf('convention', options.convention, CONVENTIONS);
  checkOneOf('fusion', options.fusion, FUSIONS);
  if (options.fuse === false && options.fusion !== undefined)
    throw invalid('`fuse: false` gives a map for each layer and `fusion` says how they become one; give one of them');
  checkCallOptions(options);
  checkMapSize(options.mapSize);
  checkTechnique(options.technique);
  if (options.layer !== undefined && !isLayerOption(options.layer))
    throw invalid(`\`layer\` is a name, a negative number, or an array of these, not ${shown(options.layer)}`);
  if (options.params !== undefined && (typeof options.params !== 'object' || options.params === null))
    throw invalid('`params` must be an object of parameter values');
}

/**
 * Checks what every call that runs the model takes.
 * @throws `ERR_OPTION_INVALID` with what was expected and what came.
 */
export function checkCallOptions({
  batchSize,
  seed,
  inputs,
  signal,
  onProgress,
}: Pick<ExplainOptions, 'batchSize' | 'seed' | 'inputs' | 'signal' | 'onProgress'>): void {
  checkCount('batchSize', batchSize, 1);
  checkSeed(seed);
  checkInputs(inputs);
  checkSignal(signal);
  if (onProgress !== undefined && typeof onProgress !== 'function') throw invalid('`onProgress` must be a function');
}

function checkSignal(signal: unknown): void {
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('`signal` must be an AbortSignal');
}

const isLayerName = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number';
const isLayerOption = (value: unknown): boolean =>
  Array.isArray(value) ? value.every(isLayerName) : isLayerName(value);

function checkTokens(tokens: unknown): void {
  if (tokens === undefined || isTokens(tokens)) return;
  throw invalid(`\`tokens\` is { grid: [height, width], prefix } in whole numbers, not ${shown(tokens)}`);
}
