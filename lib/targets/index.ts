/**
 * What a map explains, as values that combine.
 * @module onnx-cam/targets
 */
import { OnnxCamError } from '../common/errors.ts';
import { isFloat32Array, isFloat64Array, isUint8Array, isUrl } from '../common/kinds.ts';
import type { ImageSource, TensorInput } from '../image/source.ts';
import { type DetectionOptions, parseDetection } from './detection.ts';
import { parseTarget } from './parse.ts';
import { parseRegion, type RegionInput } from './readout.ts';
import type { TargetInput, TargetOf } from './target.ts';

export type {
  Box,
  BoxForm,
  DetectionFormat,
  DetectionFormatName,
  DetectionOptions,
  DetectionReadout,
} from './detection.ts';
export type { Region, RegionInput } from './readout.ts';
export type { ScoreView, SimilarImage, Target, TargetInput, TargetOf } from './target.ts';

/** Options of `segmentation`. */
export interface SegmentationOptions {
  /** Of the class, from 0. */
  readonly classIndex: number;
  /** Where its logits are summed, in the output's pixels (default 'predicted': where the class is). */
  readonly region?: RegionInput | undefined;
}

/**
 * The logit of class `i` (0-based).
 * @throws `ERR_OPTION_INVALID` for what is no whole number
 */
export const classIndex = (index: number): TargetOf<'class'> => ({
  kind: 'class',
  index: wholeNumber(index, 'class index'),
});

/**
 * The logit of the class with this name: the whole label, or one of its comma-separated synonyms; case-insensitive.
 * @throws `ERR_OPTION_INVALID` for what is no text
 */
export const label = (name: string): TargetOf<'label'> => ({ kind: 'label', label: text(name, 'label') });

/**
 * The `k` classes with the largest logits: one result for each.
 * @throws `ERR_OPTION_INVALID` for what is no whole number of at least 1
 */
export const topK = (k: number): TargetOf<'top'> => {
  if (!Number.isInteger(k) || k < 1)
    throw new OnnxCamError('ERR_OPTION_INVALID', `topK takes a whole number of at least 1, not ${k}`);
  return { kind: 'top', k };
};

/**
 * −score: what speaks against the target (counterfactual; Grad-CAM paper section 3.2).
 * @throws `ERR_OPTION_INVALID` for what is no target
 */
export const negative = (target: TargetInput): TargetOf<'weighted'> => ({
  kind: 'weighted',
  terms: [[parseTarget(target), -1]],
  as: 'negative',
});

/**
 * score(a) − weight · score(b): why `a` rather than `b`.
 * @throws `ERR_OPTION_INVALID` for what is no target, or a weight that is not finite
 */
export const contrast = (a: TargetInput, b: TargetInput, weight = 1): TargetOf<'weighted'> => ({
  kind: 'weighted',
  terms: [
    [parseTarget(a), 1],
    [parseTarget(b), -finite(weight, 'contrast weight')],
  ],
  as: 'contrast',
});

/**
 * Σ weight · score over any targets.
 * @throws `ERR_OPTION_INVALID` for an empty list, what is no target, or a weight that is not finite
 */
export const weighted = (terms: readonly (readonly [TargetInput, number])[]): TargetOf<'weighted'> => {
  if (!Array.isArray(terms) || terms.length === 0 || !terms.every(Array.isArray))
    throw new OnnxCamError('ERR_OPTION_INVALID', 'weighted takes an array of at least one [target, weight] pair');
  return {
    kind: 'weighted',
    terms: terms.map(([target, weight]) => [parseTarget(target), finite(weight, 'target weight')] as const),
    as: 'weighted',
  };
};

/**
 * The class probability: softmax over the logits, or the sigmoid of a binary or multi-label head.
 * @throws `ERR_OPTION_INVALID` for what is no target
 */
export const probability = (target: TargetInput): TargetOf<'view'> => ({
  kind: 'view',
  view: 'probability',
  of: parseTarget(target),
});

/**
 * The logarithm of {@link probability}.
 * @throws `ERR_OPTION_INVALID` for what is no target
 */
export const logProbability = (target: TargetInput): TargetOf<'view'> => ({
  kind: 'view',
  view: 'logProbability',
  of: parseTarget(target),
});

/**
 * ReST: logit + log-probability (Shapley-CAM, arXiv 2501.06261).
 * @throws `ERR_OPTION_INVALID` for what is no target
 */
export const rest = (target: TargetInput): TargetOf<'view'> => ({
  kind: 'view',
  view: 'rest',
  of: parseTarget(target),
});

/**
 * The only logit of a binary head: +y for category 1, −y for category 0 (pytorch-grad-cam's convention).
 * @throws `ERR_OPTION_INVALID` for another category
 */
export const binary = (category: 0 | 1): TargetOf<'binary'> => {
  if (category !== 0 && category !== 1)
    throw new OnnxCamError('ERR_OPTION_INVALID', `binary takes category 0 or 1, not ${category}`);
  return { kind: 'binary', category };
};

/**
 * Value `i` of a regression output; no probability is reported for it.
 * @throws `ERR_OPTION_INVALID` for what is no whole number
 */
export const regression = (index: number): TargetOf<'regression'> => ({
  kind: 'regression',
  index: wholeNumber(index, 'regression index'),
});

/**
 * Σ of a class's logits over a region of a segmentation output (Seg-Grad-CAM, arXiv 2002.11434): by default where the
 * class is predicted in the unchanged picture, else a mask, a box or a point in the output's pixels. No probability is
 * reported for it.
 * @throws `ERR_OPTION_INVALID` for a class or region that is none
 */
export const segmentation = (options: SegmentationOptions): TargetOf<'segmentation'> => ({
  kind: 'segmentation',
  classIndex: wholeNumber(options?.classIndex, 'class index'),
  region: parseRegion(options.region ?? 'predicted'),
});

/**
 * A detector's score of a class for a box: Σ of the confidences obj·cls of the candidates whose IoU with the box is at
 * least `iou` (or, where none is, of the nearest ones); which candidates count is constant. Without a box the confidence of
 * the best one. Raw heads are differentiated; of detections behind a suppression in the graph the score is the largest
 * confidence, which only methods without gradients explain. Of a detector, plain class targets read the log-odds of the
 * class's best candidate.
 * @throws `ERR_OPTION_INVALID` for a box, `iou` or format that is none
 */
export const detection = (options: DetectionOptions = {}): TargetOf<'detection'> => ({
  kind: 'detection',
  ...(options.classIndex !== undefined && { classIndex: wholeNumber(options.classIndex, 'class index') }),
  readout: parseDetection(options),
});

/**
 * The cosine of the angle between an embedding output and a vector of its length, or another picture's embedding: what
 * makes two pictures alike. Several can be combined, as in `contrast(similarity(a), similarity(b))`.
 * @param to numbers (an array, Float32Array or Float64Array) are a vector; everything else is a picture
 * @throws `ERR_OPTION_INVALID` for a vector of zeros, or with values that are not finite
 */
export const similarity = (
  to: readonly number[] | Float32Array | Float64Array | ImageSource | TensorInput,
): TargetOf<'similarity'> => {
  if (!Array.isArray(to) && !isFloat32Array(to) && !isFloat64Array(to))
    return { kind: 'similarity', to: { image: to as ImageSource | TensorInput } };
  const vector = Float32Array.from(to as ArrayLike<number>);
  if (!vector.every(Number.isFinite) || vector.every(value => value === 0))
    throw new OnnxCamError('ERR_OPTION_INVALID', 'similarity takes a vector of finite numbers that are not all zero');
  return { kind: 'similarity', to: vector };
};

/**
 * The score that a small ONNX graph of the user's makes of the model's outputs, one value per image ([N] or [N,1]). Its
 * inputs have the names of the outputs that they take; a single input may have any name. It is merged into the model and
 * differentiated with it. One such graph serves all images of a call; no probability is reported for it.
 * @param model path, `file:` URL or bytes of an ONNX file
 * @throws `ERR_OPTION_INVALID` for another type; what the graph holds is read when the target meets a model
 */
export const graph = (model: string | URL | Uint8Array): TargetOf<'graph'> => {
  if (typeof model === 'string' || isUrl(model) || isUint8Array(model)) return { kind: 'graph', model };
  throw new OnnxCamError('ERR_OPTION_INVALID', 'graph takes the path, file: URL or bytes of an ONNX file');
};

/**
 * A target on the model output with this name, for models with several heads.
 * @throws `ERR_OPTION_INVALID` for what is no name or no target
 */
export const output = (name: string, target: TargetInput): TargetOf<'output'> => ({
  kind: 'output',
  name: text(name, 'output name'),
  of: parseTarget(target),
});

function wholeNumber(value: number, what: string): number {
  if (!Number.isInteger(value))
    throw new OnnxCamError('ERR_OPTION_INVALID', `${what} must be a whole number, not ${value}`);
  return value;
}

function text(value: string, what: string): string {
  if (typeof value !== 'string' || value === '')
    throw new OnnxCamError('ERR_OPTION_INVALID', `${what} must be a text, not ${String(value)}`);
  return value;
}

function finite(value: number, what: string): number {
  if (!Number.isFinite(value)) throw new OnnxCamError('ERR_OPTION_INVALID', `${what} must be finite, not ${value}`);
  return value;
}
