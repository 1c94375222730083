import type { Emitter } from '../autodiff/emitter.ts';
import type { Value } from '../autodiff/value.ts';
import type { InputSize } from '../image/geometry.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { GradientPowers } from '../kernels/gradient-powers.ts';
import type { ProductForm } from '../kernels/index.ts';
import type { Maps } from '../kernels/types.ts';
import type { TokenGrid } from '../model/find/axes.ts';
import type { ActivationScorer } from '../scoring/activation-scorer.ts';
import type { MaskOptimizer } from '../scoring/mask-optimizer.ts';
import type { PictureScorer } from '../scoring/picture-scorer.ts';
import type { ResolvedTarget, ScoreTerm } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { ScoreView } from '../targets/target.ts';

export const CONVENTIONS = ['paper', 'pytorch-grad-cam', 'torchcam'] as const;
/**
 * Whose formula and post-processing a result follows (docs/methods.md#conventions).
 * @useDeclaredType
 */
export type Convention = (typeof CONVENTIONS)[number];

export const FUSIONS = ['mean', 'max', 'tanh-max', 'product'] as const;
/**
 * How maps of several layers become one (docs/methods.md#layers-and-fusion).
 * @useDeclaredType
 */
export type Fusion = (typeof FUSIONS)[number];

/** What methods are made of. */
export type Family = 'linear' | 'gradient' | 'score' | 'decomposition' | 'statistics' | 'attention' | 'baseline';

/** What a method needs from the network. Data, so that several methods can share one graph and one run. */
export interface MethodNeeds {
  /** Feature maps A of the layer. */
  readonly activations: true;
  /**
   * 'first': G = ∂score/∂A. 'second': H·A besides, H = ∂²score/∂A².
   * 'block', of attention: gradients of the score that the head gives to the mean of the block's own tokens.
   */
  readonly gradients?: 'first' | 'second' | 'block';
  /**
   * The layers are attention probabilities [N, heads, queries, keys], and so are their gradients: those of all blocks, all
   * between the same tokens ('square'), or of the last block.
   */
  readonly attention?: 'square' | 'last';
  /** The gradient at the model's input by guided backpropagation. */
  readonly guided?: true;
  /**
   * What each element of the layer has to do with the score: its relevance (LRP from the class against all others), or its
   * contributions, which add up to the score's difference to that of a layer of zeros (DeepLIFT).
   */
  readonly attributions?: 'relevance' | 'contributions';
  /** The rows of a linear classifier behind global average pooling; 'optional': where there is one. */
  readonly classifier?: true | 'optional';
  /**
   * Scores of changed images ('masks'), of changed activations ('tail'), or of the changed tokens and normalised tokens that
   * enter a transformer's block ('block': two layers, one scorer), or similarities of a changed image's detections to the
   * target's ('detections'), from a scorer: such a method is computed for one image at a time, with `context.count` targets.
   */
  readonly scores?: readonly ('masks' | 'tail' | 'block' | 'detections')[];
  /**
   * An optimiser of masks made of the layer's channels, which differentiates the whole network at every step: such a method
   * is computed for one image at a time as well.
   */
  readonly optimizer?: true;
  /**
   * Gradients of noisy copies of the image as well: normal noise of deviation `sigma`, in the units of the preprocessed
   * input.
   */
  readonly noise?: { readonly runs: number; readonly sigma: number };
}

/** Value of a parameter. */
export type ParamValue = number | boolean | string;

/** One parameter of a method: its type, default, range, and what it means. */
export interface ParamSpec {
  /** Of the value. */
  readonly type: 'number' | 'integer' | 'boolean' | 'string';
  /** Left out: the method decides, by other parameters or the layer. */
  readonly default?: ParamValue;
  /** Defaults of conventions that have another one. */
  readonly defaults?: Readonly<Partial<Record<Exclude<Convention, 'paper'>, ParamValue>>>;
  /** The strings that it may be. */
  readonly values?: readonly string[];
  /** Least number. */
  readonly min?: number;
  /** Largest number. */
  readonly max?: number;
  /** What it means. */
  readonly description: string;
}

/** Parameters by name. */
export type ParamValues = Readonly<Record<string, ParamValue | undefined>>;

/** What is kept of one layer over all noisy copies of an image, however many there are. */
export interface NoisyCopies {
  /** Sums of the powers of the gradients. */
  readonly powers: GradientPowers;
  /** Those of the last copy. */
  readonly activations: FeatureMaps;
  readonly gradients: FeatureMaps;
}

/** What one target layer gives a method. N of the activations may be 1 for several targets of one image. */
export interface LayerTensors {
  readonly activations: FeatureMaps;
  readonly gradients?: FeatureMaps;
  /** H·A of the gradients' shape; absent where it is zero everywhere. */
  readonly curvature?: FeatureMaps;
  /** One value for each channel, where the layer adds one. */
  readonly bias?: Float32Array;
  /** At the model's input, [N, C, H, W]. */
  readonly guided?: FeatureMaps;
  /** Of the gradients' shape: relevance or contributions, whichever the method needs. */
  readonly attributions?: FeatureMaps;
  /** Classifier rows of the targets, [N·C]. */
  readonly classifier?: Float32Array;
  /** Of attention: where the keys are in the picture. */
  readonly tokens?: TokenGrid;
  /** Of attention: whose rows the score comes from, the class token's (default) or those of all tokens. */
  readonly reader?: 'class' | 'mean';
  /** Of noisy copies of the image, with the gradients of the same targets. */
  readonly noisy?: NoisyCopies;
}

/**
 * Finished maps [N, h, w]; `raw` [N, C, h, w] where the method's own values are more than they show: colours that they sum
 * up, or `concepts` of which they are one (N may be 1 for several targets of one image).
 */
export interface FinishedMaps {
  readonly maps: Maps;
  readonly raw?: FeatureMaps;
  readonly concepts?: readonly ShownConcept[];
}

/** A method's answer for one layer: how A is summed over channels, or the finished maps. */
export type LayerResult =
  /** Σ_k w_k A_k with weights [N·C]. */
  | { readonly weights: Float32Array }
  /** Σ_k of an element-wise product of G_k and A_k. */
  | { readonly product: ProductForm }
  | FinishedMaps;

/**
 * The target's scores [N, copies] when a layer holds changed activations [N·copies, C, h, w], copies of one image after the
 * other, in a graph that is being extended.
 * @param view takes the place of the logit where the target is a class
 */
export type TailInGraph = (
  changed: Value,
  copies: number,
  options: { readonly view: ScoreView; readonly keepPrefix: boolean },
) => Value;

/** {@link LayerTensors} as values of a graph that is being extended, all float32; N may be −1. */
export interface LayerInGraph {
  /** [N, C, …positions], of attention [N, heads, queries, keys]. */
  readonly activations: Value;
  /** Of the activations' shape, or lazily of size 1 along all positions. */
  readonly gradients?: Value;
  /** The target's row of the classifier, [N, C]. */
  readonly classifier?: Value;
  readonly tokens?: TokenGrid;
  readonly reader?: 'class' | 'mean';
  /** Of methods that need scores of changed activations. */
  readonly tail?: TailInGraph;
}

/** A method's answer for one layer in a graph: what is summed over channels [N, C, …positions], or the maps [N, 1, …positions]. */
export type ResultInGraph = { readonly terms: Value } | { readonly map: Value };

/** Which of an image's concepts a map shows. */
export interface ShownConcept {
  readonly shown: number;
  /** What each concept adds to the target's score; null where the score is not linear in the concepts. */
  readonly contributions: readonly number[] | null;
}

/** How a method is to be computed. */
export interface MethodChoice {
  readonly convention: Convention;
  readonly params: ParamValues;
}

export interface MethodContext extends MethodChoice {
  readonly seed: number;
  /** For kernels that may take long. */
  readonly signal?: AbortSignal;
  /** The model's input, at which some conventions normalise. */
  readonly size: InputSize;
  /** Number of results: the larger N of activations and gradients; of methods computed for one image, the targets. */
  readonly count: number;
  /** For methods that need scores of changed images: bound to the image and its targets. */
  readonly pictureScorer?: PictureScorer;
  /** For methods that need scores of changed activations: bound to the image, its targets and the layer. */
  readonly activationScorer?: ActivationScorer;
  /** For methods that need an optimiser: bound to the same. */
  readonly optimizer?: MaskOptimizer;
}

/** A score that a method makes of a target and the image's logits. */
export interface OwnScore {
  /** @throws `ERR_METHOD_UNSUPPORTED` for targets that it cannot be made of. */
  check(target: ResolvedTarget, classes: number): void;
  /** Its value; the target holds no ranks, here and below. */
  value(row: ScoreRow, target: ResolvedTarget, choice: MethodChoice): number;
  /** Its gradient with respect to the logits, as a linear combination of them. */
  terms(row: ScoreRow, target: ResolvedTarget, choice: MethodChoice): ScoreTerm[];
}

/** What every method says of itself, whatever it is computed from. */
interface MethodFacts {
  /** Canonical name: lower case with hyphens, the heading of its section in docs/methods.md. */
  readonly name: string;
  /** Further spellings; those without hyphens and with `pp` for `++` are derived. */
  readonly aliases?: readonly string[];
  readonly title: string;
  readonly family: Family;
  /** Where the formula comes from. */
  readonly paper: string;
  readonly needs: MethodNeeds;
  /** What some parameters need besides. */
  needsFor?(params: ParamValues): Partial<MethodNeeds>;
  /** F forward, B backward pass of the network; T run of the tail behind the target layer. */
  readonly cost: string;
  readonly params?: Readonly<Record<string, ParamSpec>>;
  /** The tools whose convention this method knows besides the paper's. */
  readonly conventions: readonly Exclude<Convention, 'paper'>[];
  /** Whether the outermost ReLU belongs to the method in the `paper` and `torchcam` conventions. */
  readonly relu: boolean;
  /** How maps of several layers become one where the convention does not say it (default: by their mean). */
  readonly fusion?: Fusion;
  /** Of methods whose map pytorch-grad-cam does not stretch again when it is resized. */
  readonly stretchedOnce?: true;
  /**
   * Of methods whose sources enlarge maps to the input's size, after the ReLU, before they are stretched to [0, 1]: how, in
   * the `paper` convention. Others are stretched at the layer's resolution.
   */
  enlarged?(params: ParamValues): 'bilinear' | 'align-corners' | undefined;
  /** Of methods that multiply maps: which ones. Where one is empty, so is the product. */
  readonly multiplies?: string;
  /** Of methods that differentiate another score than the target's. */
  readonly ownScore?: OwnScore;
  /**
   * It reads its tensors through the reductions of lib/kernels alone, which are computed where the tensors are; others need
   * them in the CPU's memory.
   */
  readonly reductions?: true;
  /** A sum over channels of terms that are made of the channel's own activations and gradients alone. */
  readonly channelwise?: true;
}

/**
 * Made of one layer: before the outermost ReLU, normalisation and resizing. Of several layers each has a map of its own,
 * which the convention fuses.
 */
export interface LayerMethod extends MethodFacts {
  readonly scope: 'layer';
  compute(layer: LayerTensors, context: MethodContext): Promise<LayerResult>;
  /**
   * The same in the `paper` convention as nodes of standard operators, for models that explain themselves (lib/export/). Left out
   * by methods that need runs of changed pictures, optimisers or random numbers.
   */
  inGraph?(emit: Emitter, layer: LayerInGraph, params: ParamValues): ResultInGraph;
}

/**
 * Made of several layers (by default the last one of each resolution) that the method joins itself; they come in the order
 * of the network.
 */
export interface LayersMethod extends MethodFacts {
  readonly scope: 'layers';
  compute(layers: readonly LayerTensors[], context: MethodContext): Promise<FinishedMaps>;
  /** It heeds the parameter `eigenSmooth`. */
  readonly smooths?: true;
  /** See `LayerMethod.inGraph`: the maps [N, 1, h, w]. */
  inGraph?(emit: Emitter, layers: readonly LayerInGraph[], params: ParamValues): Value;
}

/**
 * Made of the whole network, without a layer from the user: of the model's input alone, or of the input and then every
 * convolution and batch normalisation with a bias.
 */
export interface GraphMethod extends MethodFacts {
  readonly scope: 'graph';
  readonly reads: 'input' | 'biased';
  compute(layers: readonly [input: LayerTensors, ...LayerTensors[]], context: MethodContext): Promise<FinishedMaps>;
}

export type MethodDefinition = LayerMethod | LayersMethod | GraphMethod;

export function defineMethod<M extends MethodDefinition>(definition: M): M {
  return definition;
}

/** The gradients of a method that declared them in `needs`. */
export function gradientsOf(layer: LayerTensors): FeatureMaps {
  if (!layer.gradients) throw new TypeError('gradients were not computed for a method that needs them');
  return layer.gradients;
}

/** The attributions of a method that declared them in `needs`. */
export function attributionsOf({ attributions }: LayerTensors): FeatureMaps {
  if (!attributions) throw new TypeError('attributions were not computed for a method that needs them');
  return attributions;
}

/** What a method needs with these parameters. */
export function needsOf(definition: MethodDefinition, params: ParamValues): MethodNeeds {
  return { ...definition.needs, ...definition.needsFor?.(params) };
}

/**
 * Whether a map is about the target. Others show the layer by itself, also where the target picks one of several such maps
 * by an optional classifier.
 */
export function isOfTarget({ gradients, guided, attributions, classifier, scores, optimizer }: MethodNeeds): boolean {
  return Boolean(gradients || guided || attributions || classifier === true || scores || optimizer);
}

/** The scorer of a method that declared `scores` of changed images in `needs`. */
export function pictureScorerOf({ pictureScorer }: MethodContext): PictureScorer {
  if (!pictureScorer) throw new TypeError('no scorer was made for a method that needs scores of changed images');
  return pictureScorer;
}

/** The scorer of a method that declared `scores` of changed activations in `needs`. */
export function activationScorerOf({ activationScorer }: MethodContext): ActivationScorer {
  if (!activationScorer)
    throw new TypeError('no scorer was made for a method that needs scores of changed activations');
  return activationScorer;
}

/** The optimiser of a method that declared it in `needs`. */
export function optimizerOf(context: MethodContext): MaskOptimizer {
  if (!context.optimizer) throw new TypeError('no optimiser was made for a method that needs one');
  return context.optimizer;
}
