import type { UsedPrecision } from '../engine/precision.ts';
import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import type { Convention, Fusion, ParamValues } from '../methods/definition.ts';
import type { Box } from '../targets/detection.ts';
import type { MapStatus } from './status.ts';

/** The map: what matters, at the size that was asked for. */
export interface HeatMap {
  /** Row-major, in [0, 1]. */
  readonly data: Float32Array;
  /** Pixels; of volumes W. */
  readonly width: number;
  /** Pixels; of volumes H. */
  readonly height: number;
  /** Of volumes and clips: [D, H, W]. */
  readonly dims?: readonly [depth: number, height: number, width: number];
}

/** The method's own map, for own conventions of normalisation and for comparison. */
export interface RawMap {
  /** The method's own values at its own resolution: before the outermost ReLU, normalisation and resizing. */
  readonly data: Float32Array;
  /** [h, w]; [d, h, w] of volumes, [n, h, w] of concepts, [3, h, w] of guided methods. */
  readonly dims: readonly number[];
  /** Of the last axis. */
  readonly width: number;
  /** Of the last axis but one. */
  readonly height: number;
}

/** What a method that finds concepts (DFF) says of those in `raw` [n, h, w]. */
export interface Concepts {
  /** Which of them the map shows; one for each layer. */
  readonly shown: readonly number[];
  /** What each adds to the target's score, where the score is linear in the layer's means over positions; else null. */
  readonly contributions: readonly number[] | null;
}

/** A class with what the model says of it. */
export interface Prediction {
  /** Place of the class in the output, from 0. */
  readonly index: number;
  /** Its name; null where none is known. */
  readonly label: string | null;
  /** The logit. */
  readonly score: number;
  /** Softmax of the logits, sigmoid for multi-label and binary heads, in [0, 1]; null where there is none. */
  readonly probability: number | null;
}

/** What was explained, with its value for this image. */
export interface ExplainedTarget {
  /** Class index, from 0; of several that are combined, the first one's. */
  readonly index: number;
  /** Name of the class; null where none is known. */
  readonly label: string | null;
  /** The value that was differentiated or compared: a logit unless the target says otherwise. */
  readonly score: number;
  /** Softmax (sigmoid for multi-label and binary heads) of the class, a detection's confidence; null for regression. */
  readonly probability: number | null;
  /** Of the target: 'class', 'contrast', 'segmentation', 'detection', 'similarity' and the like. */
  readonly kind: string;
  /** Of detections: left, top, width and height of the most confident box that counted, in the picture's pixels. */
  readonly box?: Box;
}

/** A layer that the map was made from. */
export interface ExplainedLayer {
  /** The tensor's name in the model. */
  readonly name: string;
  /** With N; −1 where the size follows the batch. */
  readonly shape: readonly number[];
  /** Why it was chosen. */
  readonly reason: string;
}

/** A technique that sharpened the map. */
export interface AppliedTechnique {
  /** Canonical name. */
  readonly name: string;
  /** With defaults filled in. */
  readonly params: Readonly<Record<string, number | boolean | string | readonly number[] | undefined>>;
}

/** Milliseconds. For batches each image carries its share of the common work. */
export interface Timings {
  /** Decoding, resizing, normalising. */
  readonly preprocess: number;
  /** Forward pass, with the gradient nodes where there are any. */
  readonly model: number;
  /** The method's formula; of score methods its runs too. */
  readonly method: number;
  /** Normalising and resizing of the map. */
  readonly postprocess: number;
  /** Sum of these four. */
  readonly total: number;
}

/** Passes made for this result, counted in images; `saved` are those that were not needed. */
export interface Runs {
  /** Of the whole network. */
  readonly network: number;
  /** Of the part behind the layer. */
  readonly tail: number;
  /** Not needed: equal to others. */
  readonly saved: number;
}

/** What an `Explanation` says, as data. */
export interface ExplanationFields {
  /** In [0, 1], at the size that `mapSize` says. */
  readonly map: HeatMap;
  /** Before the outermost ReLU, normalisation and resizing. */
  readonly raw: RawMap;
  /** What was explained. */
  readonly target: ExplainedTarget;
  /** The five classes with the largest logits; of a detector the best candidates. */
  readonly predictions: readonly Prediction[];
  /** What it was made from; an array where several layers were used. */
  readonly layer: ExplainedLayer | readonly ExplainedLayer[];
  /** Canonical name. */
  readonly method: string;
  /** Whose formula and post-processing was followed. */
  readonly convention: Convention;
  /** How maps of several layers became one; null where there was one, or the method joins them itself. */
  readonly fusion: Fusion | null;
  /** The method's parameters, defaults of the convention included. */
  readonly params: ParamValues;
  /** What sharpened the map; an array where several did, the innermost first. Everything but map and raw is of the clean image. */
  readonly technique: AppliedTechnique | readonly AppliedTechnique[] | null;
  /** Of methods that find concepts; null for all others. */
  readonly concepts: Concepts | null;
  /** Null for tensors, which are fed as they are. */
  readonly preprocess: ResolvedPreprocess | null;
  /** What the network computed in: 'fp32', 'tf32' or 'fp16'; 'int8' where the runs on changed inputs did. */
  readonly precision: UsedPrecision | 'int8';
  /** How far int8 moved the score of the unchanged picture, before the scores were shifted back; null where no run was int8. */
  readonly cleanScoreMoved: number | null;
  /** 'ok', or what is wrong with the map. */
  readonly status: MapStatus;
  /** Why the status is not ok, and what to try; null when it is. */
  readonly reason: string | null;
  /** What is to be known before the map is used; empty as a rule. */
  readonly warnings: readonly string[];
  /** How long it took, in ms. */
  readonly timings: Timings;
  /** Passes of the network. */
  readonly runs: Runs;
}
