import type { MapStatus } from '../result/status.ts';
import type { Threshold } from '../result/threshold.ts';
import type { PixelVariant } from '../scoring/pixel-variants.ts';
import type { JudgedMap } from './judged-map.ts';
import type { ScoreKind } from './score-kind.ts';
import type { Subject } from './subject.ts';
import type { TruthAtInput } from './truth-at-input.ts';

export const METRIC_CONVENTIONS = ['paper', 'torchcam', 'pytorch-grad-cam', 'quantus', 'openvino'] as const;
/**
 * Whose formula, defaults and tie rules a measurement follows (docs/metrics.md#conventions).
 * @useDeclaredType
 */
export type MetricConvention = (typeof METRIC_CONVENTIONS)[number];

/** What metrics ask. */
export type MetricFamily =
  | 'confidence'
  | 'perturbation'
  | 'composite'
  | 'correlation'
  | 'localisation'
  | 'robustness'
  | 'randomisation'
  | 'complexity';

/** Which way is better. */
export type Direction = 'higher' | 'lower';

/** What values of metrics are in. */
export type MetricUnit = 'fraction' | 'score' | 'correlation' | 'nats' | 'pixels' | 'ratio' | 'yes/no';

/** What a metric is made of besides the map. Data, so that the metrics of a call share what they have in common. */
export interface MetricNeeds {
  /** Scores of changed copies of the input. */
  readonly scores?: true;
  /** The method's map once more: of a changed input, of another class, of a network with other weights. */
  readonly explanations?: true;
  /** Where the object is: a mask or boxes, or boxes. */
  readonly truth?: 'region' | 'boxes';
  /** The network with weights drawn anew. */
  readonly randomized?: true;
}

/** Value of a parameter of a metric. */
export type MetricParamValue = number | boolean | string | readonly number[] | Threshold;

/** One parameter of a metric: its type, default, range, and what it means. */
export interface MetricParam {
  /**
   * `baseline`: a name of BASELINES (baseline.ts), or a number that every removed value becomes; `threshold`: a `Threshold`;
   * `numbers`: a list, or one of them.
   */
  readonly type: 'number' | 'integer' | 'boolean' | 'string' | 'numbers' | 'baseline' | 'threshold';
  /** Left out: the metric decides, by other parameters or the input's size. */
  readonly default?: MetricParamValue;
  /** Defaults of conventions that have another one. */
  readonly defaults?: Readonly<Partial<Record<MetricConvention, MetricParamValue>>>;
  /** The only strings; of numbers those that may stand in their place. */
  readonly values?: readonly string[];
  /** Least number. */
  readonly min?: number;
  /** Largest number. */
  readonly max?: number;
  /** What it means. */
  readonly description: string;
}

/** Parameters by name. */
export type MetricParams = Readonly<Record<string, MetricParamValue | undefined>>;

/** How a metric is to be computed. */
export interface MetricChoice {
  readonly convention: MetricConvention;
  readonly params: MetricParams;
}

/** Which weights are drawn anew. */
export interface Randomized {
  readonly order: 'top-down' | 'bottom-up' | 'independent';
  /** From 0: that unit and all before it in the order; of `independent` it alone, counted from the output on. */
  readonly unit: number;
}

/** The map that a method makes of something else; [H, W] at the input's size, under the convention of the map that is judged. */
export interface ExplainAgain {
  /** In the place of the input; of its layout and size. */
  readonly input?: Float32Array;
  /** In the place of the target: a class index. */
  readonly classIndex?: number;
  /** Weights drawn anew of so many of the network's units, counted as the metric's `order` says. */
  readonly randomized?: Randomized;
}

/** One map of one image, and all that a metric may ask. */
export interface MetricCase extends MetricChoice {
  /** The image and what the network says of it: shared by all maps and metrics. */
  readonly subject: Subject;
  readonly map: JudgedMap;
  /** Where the object is, at the input's size; of metrics with `needs.truth`, which are not asked where there is none. */
  readonly truth?: TruthAtInput;
  /** Of metrics with `needs.explanations`. @throws what explaining throws */
  readonly explain?: (again: ExplainAgain) => Promise<Float32Array>;
  /** Units whose weights can be drawn anew; of metrics with `needs.randomized`. */
  readonly units?: number;
  /** How many of them, from the input on, lie before the end of each stage; the last number is that of all. */
  readonly stageUnits?: readonly number[];
  readonly signal?: AbortSignal;
}

/** A metric's answer. */
export interface MetricValue {
  /** null where it is not defined, with a `reason`. */
  readonly value: number | null;
  /** Why there is none. */
  readonly reason?: string;
  /** Points of the curve that the value is the area under, or made of. */
  readonly curve?: { readonly x: readonly number[]; readonly y: readonly number[] };
  /** What else is worth a look, by name. */
  readonly details?: Readonly<Record<string, number | null>>;
  /** What the value over a data set needs of this image besides the value and the curve (data-set/); not shown. */
  readonly kept?: Uint32Array;
  /** What is to be known before the value is used. */
  readonly warnings?: readonly string[];
}

/** Scores of a metric's own variants, in their order. */
export type VariantScores = Readonly<Record<ScoreKind, Float64Array>>;

export interface MetricDefinition {
  /** Canonical name: lower case with hyphens, the heading of its section in docs/metrics.md. */
  readonly name: string;
  /** Further spellings; those without hyphens are derived. */
  readonly aliases?: readonly string[];
  readonly title: string;
  readonly family: MetricFamily;
  /** Where the formula comes from. */
  readonly source: string;
  readonly direction: Direction;
  /** Least and largest value; null for none. */
  readonly range: readonly [number | null, number | null];
  readonly unit: MetricUnit;
  readonly needs: MetricNeeds;
  /** For an image and a map: F forward pass, M the method once more; what all metrics share is left out. */
  readonly cost: string;
  readonly params?: Readonly<Record<string, MetricParam>>;
  /** Maps that are equal everywhere, or zero, have no value: they say nothing that this metric could judge. */
  readonly refuses?: readonly MapStatus[];
  /** The changed inputs whose scores it reads. Those that other metrics of the call ask for as well are run once. */
  variants?(asked: MetricCase): Promise<readonly PixelVariant[]>;
  /** @param scores of `variants` */
  measure(asked: MetricCase, scores: VariantScores): Promise<MetricValue> | MetricValue;
}

export function defineMetric<M extends MetricDefinition>(definition: M): M {
  return definition;
}
