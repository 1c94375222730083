import { OnnxCamError } from '../common/errors.ts';
import { Recent } from '../common/recent.ts';
import type { MapSize } from '../image/map-size.ts';
import { type ChosenMethod, chooseMethods } from '../methods/choose.ts';
import { type MethodNeeds, needsOf } from '../methods/definition.ts';
import type { Network } from '../network/network.ts';
import type { ExplainOptions, LayerOption } from '../options.ts';
import { type AskedPasses, PASS_KINDS, PASSES, type PassKind } from '../plan/passes/index.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import { parseTarget } from '../targets/parse.ts';
import type { Target, TargetInput } from '../targets/target.ts';
import { type ChosenTechnique, chooseTechniques } from '../techniques/choose.ts';
import type { CallProgress } from './call-progress.ts';
import { chooseLayers, inputLayer } from './layers.ts';

/** A method and the layers of each of its results: one set, or one layer each with `fuse: false`. */
export interface MethodRun extends ChosenMethod {
  /** What the method needs with its parameters. */
  readonly needs: MethodNeeds;
  readonly layerSets: readonly (readonly TargetLayer[])[];
}

/** What the methods, their parameters and the layers of a call decide: the same for every call that names them alike. */
interface Choices {
  readonly methods: readonly MethodRun[];
  /** The layers of all methods, each once. */
  readonly layers: readonly TargetLayer[];
  /** Names of the layers whose gradients are needed; those of methods with a score of their own come from other runs. */
  readonly gradients: readonly string[];
  /** Names of the layers that further passes are needed for. */
  readonly passes: AskedPasses;
  /** True where the results of a method are an array of layers. */
  readonly perLayer: boolean;
  /** What sharpens the maps, the innermost first. */
  readonly techniques: readonly ChosenTechnique[];
}

/** One `explain` call with every choice made that does not depend on the images. */
export interface ExplainRequest extends Choices {
  readonly seed: number;
  readonly mapSize: MapSize;
  /** Items per run of score methods. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly progress?: CallProgress | undefined;
}

/** Defaults that belong to the explainer. */
export interface RequestDefaults {
  readonly layer?: LayerOption;
  readonly tokens?: { readonly grid?: readonly [number, number]; readonly prefix?: number };
}

/** Calls whose choices are kept: parameters may differ from call to call. */
const KEPT_CHOICES = 256;

/**
 * Makes the requests of a network's calls. What calls choose alike is chosen once: choosing walks the whole graph, which
 * costs several hundredths of a forward pass of a small network.
 */
export class Requests {
  readonly #network: Network;
  readonly #defaults: RequestDefaults;
  readonly #choices = new Recent<string, Choices>(KEPT_CHOICES);

  constructor(network: Network, defaults: RequestDefaults) {
    this.#network = network;
    this.#defaults = defaults;
  }

  /**
   * @throws `ERR_METHOD_UNKNOWN`, `ERR_METHOD_UNSUPPORTED`, `ERR_OPTION_INVALID`, `ERR_LAYER_NOT_FOUND`,
   * `ERR_NO_SPATIAL_LAYER`
   */
  make(options: ExplainOptions): ExplainRequest {
    const chosen = this.#choices.get(choicesKey(options), () => makeChoices(this.#network, options, this.#defaults));
    return {
      ...chosen,
      seed: options.seed ?? 0,
      mapSize: options.mapSize ?? 'picture',
      batchSize: options.batchSize,
      signal: options.signal,
    };
  }
}

/** Equal for calls that choose alike. Objects are no parameter's value: they are refused, and refusals not kept. */
function choicesKey(options: ExplainOptions): string {
  const { method, methods, params, convention, fusion, layer, fuse, technique } = options;
  const text = (value: unknown) => (typeof value === 'object' ? '' : String(value));
  const values = params && Object.entries(params).map(([name, value]) => [name, typeof value, text(value)]);
  // In an object, what is undefined is left out, while a number that is none becomes null.
  return JSON.stringify({ method, methods, values, convention, fusion, layer: layer ?? undefined, fuse, technique });
}

const ONE_LAYER = '`fusion` is for several layers (option `layer`), and this map is made of one: it was left out';

function makeChoices(network: Network, options: ExplainOptions, defaults: RequestDefaults): Choices {
  const named = options.layer ?? defaults.layer;
  const spec = named ?? network.model.sidecar.layer;
  const perLayer = options.fuse === false && (Array.isArray(spec) || spec === 'stages');
  const methods = chooseMethods(options).map(method => {
    // The model's own choice is one layer, which methods defined on several don't take for all of them.
    const wanted = method.definition.scope === 'layer' ? spec : named;
    const choose = (one: typeof wanted) => chooseLayers(network.model, method.definition, one, defaults.tokens);
    // One result for each that is asked for, also where two are the same.
    const layers = perLayer && Array.isArray(wanted) ? wanted.flatMap(choose) : choose(wanted);
    const needs = needsOf(method.definition, method.params);
    const layerSets = perLayer && method.definition.scope !== 'graph' ? layers.map(layer => [layer]) : [layers];
    const alone = options.fusion !== undefined && method.definition.scope === 'layer' && layers.length === 1;
    return { ...method, warnings: alone ? [...method.warnings, ONE_LAYER] : method.warnings, needs, layerSets };
  });
  const own = methods.flatMap(({ layerSets }) => layerSets.flat());
  const passes = passesOf(methods, network.model.input.name);
  const atInput = PASS_KINDS.some(kind => PASSES[kind].of === 'input' && passes[kind]);
  const used = atInput ? [...own, inputLayer(network.model)] : own;
  const layers = used.filter((layer, index) => used.findIndex(({ name }) => name === layer.name) === index);
  const withGradients = new Set(
    methods.flatMap(({ definition, needs, layerSets }) =>
      layerSets
        .flat()
        // Where the logits are affine in a layer its gradient replaces the runs of the tail.
        .filter(({ affine }) => {
          const own = needs.gradients === 'block' || definition.ownScore;
          return (needs.gradients && !own) || (needs.scores?.includes('tail') && affine);
        })
        .map(({ name }) => name),
    ),
  );
  return {
    methods,
    layers,
    gradients: layers.filter(({ name }) => withGradients.has(name)).map(({ name }) => name),
    passes,
    perLayer,
    techniques: techniquesFor(network, options.technique),
  };
}

/** @throws `ERR_INPUT_SHAPE` for those that this model does not take */
function techniquesFor({ model }: Network, option: ExplainOptions['technique']): ChosenTechnique[] {
  const chosen = chooseTechniques(option);
  const { name, height, width, layout } = model.input;
  for (const { definition } of chosen) {
    if (definition.needs?.sizes && (height !== undefined || width !== undefined))
      throw new OnnxCamError(
        'ERR_INPUT_SHAPE',
        `${definition.name} needs inputs of several sizes, but "${name}" takes ${width ?? 'any'} × ${height ?? 'any'} alone; ` +
          'take sess, augmentation or smooth-grad, or export the model with a dynamic height and width',
      );
    if (!definition.volumes && (layout === 'ncdhw' || layout === 'ntchw'))
      throw new OnnxCamError(
        'ERR_INPUT_SHAPE',
        `${definition.name} is for pictures, and "${name}" takes volumes or clips; take smooth-grad or augmentation`,
      );
  }
  return chosen;
}

/** The layers of each pass that a method reads. */
function passesOf(methods: readonly MethodRun[], input: string): AskedPasses {
  const asked: Partial<Record<PassKind, readonly string[]>> = {};
  for (const kind of PASS_KINDS) {
    const pass = PASSES[kind];
    const names = methods.flatMap(({ needs, layerSets }) =>
      layerSets
        .flat()
        .filter(layer => pass.wanted(needs, layer))
        .map(({ name }) => (pass.of === 'input' ? input : name)),
    );
    if (names.length > 0) asked[kind] = [...new Set(names)];
  }
  return asked;
}

/** What is asked of one image: a target, or several, whose results are an array. */
export interface AskedTargets {
  readonly targets: readonly Target[];
  readonly isList: boolean;
}

/**
 * What is asked of each image. An array is several targets of one image; of a batch it has an entry for each, which may be an array; an
 * array in an array by itself is several targets of every image.
 * @param isBatch false for an image by itself
 * @throws `ERR_OPTION_INVALID` when an array of targets doesn't have one for each image of a batch.
 */
export function targetsOf(target: ExplainOptions['target'], images: number, isBatch: boolean): AskedTargets[] {
  if (!isList(target)) return new Array<AskedTargets>(images).fill(askedOf(target ?? 'top1'));
  const [first, ...more] = target;
  const forAll = isList(first) && more.length === 0 ? first : isBatch ? undefined : target;
  if (forAll) return new Array<AskedTargets>(images).fill(askedOf(forAll));
  if (target.length === images) return target.map(askedOf);
  const several = `[${target.map(one => (Array.isArray(one) ? '[…]' : '…')).join(', ')}]`;
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `\`target\` is an array of ${target.length} for a batch of ${images} image${images === 1 ? '' : 's'}; give one target for all, or an array ` +
      `with one for each. For several classes of every image put the array into another one (target: [${several}]), or pass one image ` +
      'by itself instead of an array',
  );
}

function askedOf(asked: NonNullable<ExplainOptions['target']>): AskedTargets {
  if (!isList(asked)) return { targets: [parseTarget(asked)], isList: false };
  if (asked.length === 0)
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      '`target` is an empty array; give at least one target, or leave it out',
    );
  // An array in the array of one image is refused there.
  return { targets: asked.map(one => parseTarget(one as TargetInput)), isList: true };
}

/** `Array.isArray` does not know of read-only ones. */
function isList(value: unknown): value is readonly (TargetInput | readonly TargetInput[])[] {
  return Array.isArray(value);
}
