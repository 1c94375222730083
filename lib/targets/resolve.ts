import { OnnxCamError } from '../common/errors.ts';
import { isFloat32Array } from '../common/kinds.ts';
import type { Labels } from './labels.ts';
import { type Readout, readoutKey } from './readout.ts';
import type { ScoreView, Target, TargetOf } from './target.ts';

/** What a target needs to know of the model's output. */
export interface TargetHead {
  /** Number of classes (values per image). */
  readonly classes: number;
  readonly labels?: Labels;
  /** What the target's values are read through. */
  readonly readout?: Readout;
}

/** weight · view(logits)[index]; a negative index −1−k stands for the class of rank k (−1 is the top class). */
export interface ScoreTerm {
  readonly view: ScoreView;
  readonly index: number;
  readonly weight: number;
  /** The view of −z in the place of z: of a single sigmoid's other category. */
  readonly opposite?: true;
}

/** Where the values of a score come from. */
export interface HeadChoice {
  /** Output name where the user chose one. */
  readonly output?: string;
  /** Where the values are not those of the output itself. */
  readonly readout?: Readout;
}

/** One scalar score: a linear combination of values read from views of one output's logits. */
export interface ResolvedTarget extends HeadChoice {
  /** 'class' for a plain class, else the combination's name ('contrast', 'negative', 'probability', …). */
  readonly kind: string;
  readonly terms: readonly ScoreTerm[];
  /** False for regression outputs, sums over positions and similarities, which have no probability. */
  readonly classification: boolean;
}

/** What a target reads; targets are resolved against that head. */
export function headChoiceOf(target: Target): HeadChoice {
  const readout = readoutOf(target);
  return { output: outputOf(target), ...(readout && { readout }) };
}

function readoutOf(target: Target): Readout | undefined {
  switch (target.kind) {
    case 'segmentation':
      return { kind: 'region', region: target.region };
    case 'similarity':
      return { kind: 'similarity', vectors: [vectorOf(target)] };
    case 'detection':
      return target.readout;
    case 'output':
      return readoutOf(target.of);
    case 'view': {
      const readout = readoutOf(target.of);
      if (readout?.kind === 'detection' && target.view === 'probability') return readout;
      if (readout)
        throw new OnnxCamError(
          'ERR_OPTION_INVALID',
          `${kindOf(target.of)} targets have no ${target.view}; use the target as it is`,
        );
      return undefined;
    }
    case 'weighted': {
      const readouts = target.terms.map(([term]) => readoutOf(term));
      const vectors = readouts.flatMap(one => (one?.kind === 'similarity' ? [one.vectors] : []));
      if (vectors.length === readouts.length) return { kind: 'similarity', vectors: [...new Set(vectors.flat())] };
      if (new Set(readouts.map(readoutKey)).size > 1)
        throw new OnnxCamError(
          'ERR_OPTION_INVALID',
          'the parts of one target must all be classes, all similarities, or all scores of the same region or box',
        );
      return readouts[0];
    }
    default:
      return undefined;
  }
}

function vectorOf({ to }: TargetOf<'similarity'>): Float32Array {
  if (isFloat32Array(to)) return to;
  throw new TypeError('the embedding of the picture is not there yet');
}

/**
 * The scoring graph that a target reads, alone or times a weight.
 * @throws `ERR_OPTION_INVALID` where it is mixed with other scores, or another view of it is asked for
 */
export function scoringGraphOf(target: Target): TargetOf<'graph'>['model'] | undefined {
  switch (target.kind) {
    case 'graph':
      return target.model;
    case 'weighted': {
      const graphs = new Set(target.terms.map(([term]) => scoringGraphOf(term)));
      if (graphs.size > 1)
        throw new OnnxCamError(
          'ERR_OPTION_INVALID',
          'the score of graph() cannot be combined with others; let the graph itself combine them',
        );
      return [...graphs][0];
    }
    case 'view':
    case 'output':
      if (scoringGraphOf(target.of) !== undefined)
        throw new OnnxCamError(
          'ERR_OPTION_INVALID',
          'graph() names the outputs it reads by its inputs, and its score has no probability; use it as it is',
        );
      return undefined;
    default:
      return undefined;
  }
}

/** The output a target names. */
export function outputOf(target: Target): string | undefined {
  switch (target.kind) {
    case 'output':
      return target.name;
    case 'view':
      return outputOf(target.of);
    case 'weighted': {
      const names = new Set(target.terms.map(([term]) => outputOf(term)));
      if (names.size > 1)
        throw new OnnxCamError('ERR_OPTION_INVALID', 'the parts of one target must read the same model output');
      return [...names][0];
    }
    default:
      return undefined;
  }
}

/**
 * Resolves a target against a head; one that stands for several (`topK`) gives several.
 * @throws `ERR_TARGET_RANGE` for a class the model doesn't have, `ERR_TARGET_UNKNOWN` for an unknown label.
 */
export function resolveTarget(target: Target, head: TargetHead): ResolvedTarget[] {
  const choice = headChoiceOf(target);
  if (target.kind === 'top') {
    if (target.k > head.classes)
      throw new OnnxCamError('ERR_TARGET_RANGE', `top${target.k} was asked of a model with ${head.classes} classes`);
    return Array.from({ length: target.k }, (_, rank) => resolveOne({ kind: 'rank', rank }, head, choice));
  }
  if (target.kind === 'output' && target.of.kind === 'top')
    return resolveTarget(target.of, head).map(one => ({ ...one, ...choice }));
  return [resolveOne(target, head, choice)];
}

function resolveOne(target: Target, head: TargetHead, choice: HeadChoice): ResolvedTarget {
  return {
    kind: kindOf(target),
    ...choice,
    terms: termsOf(target, { ...head, readout: choice.readout }),
    classification: isClassification(target),
  };
}

function termsOf(target: Target, head: TargetHead): ScoreTerm[] {
  const term = (index: number): ScoreTerm[] => [{ view: 'logit', index, weight: 1 }];
  switch (target.kind) {
    case 'rank':
      return term(-1 - target.rank);
    case 'class':
      return term(checkRange(target.index, head));
    case 'regression':
      return term(checkRange(target.index, head));
    case 'segmentation':
      return term(checkRange(target.classIndex, head));
    case 'detection':
      return term(target.classIndex === undefined ? -1 : checkRange(target.classIndex, head));
    case 'graph':
      return term(0);
    case 'similarity':
      return term(head.readout?.kind === 'similarity' ? head.readout.vectors.indexOf(vectorOf(target)) : -1);
    case 'label':
      return term(labelIndex(target.label, head));
    case 'binary':
      if (head.classes !== 1)
        throw new OnnxCamError(
          'ERR_TARGET_RANGE',
          `binary(${target.category}) needs an output with one value per image, this one has ${head.classes}`,
        );
      return target.category === 1 ? term(0) : [{ view: 'logit', index: 0, weight: 1, opposite: true }];
    case 'weighted':
      return target.terms.flatMap(([part, weight]) =>
        termsOf(part, head).map(one => ({ ...one, weight: one.weight * weight })),
      );
    case 'view':
      // What is summed of detections are confidences.
      if (head.readout) return termsOf(target.of, head);
      return termsOf(target.of, head).map(one => ({ ...one, view: target.view }));
    case 'output':
      return termsOf(target.of, head);
    case 'top':
      throw new OnnxCamError('ERR_OPTION_INVALID', 'topK stands for several results and cannot be part of one score');
  }
}

function labelIndex(label: string, head: TargetHead): number {
  if (!head.labels)
    throw new OnnxCamError(
      'ERR_TARGET_UNKNOWN',
      `'${label}' is no class index and this model has no labels; pass \`labels\` or a class index`,
    );
  return checkRange(head.labels.indexOf(label), head);
}

function checkRange(index: number, head: TargetHead): number {
  if (index < 0 || index >= head.classes)
    throw new OnnxCamError(
      'ERR_TARGET_RANGE',
      `class ${index} is out of range: the model has ${head.classes} classes (0 to ${head.classes - 1})`,
    );
  return index;
}

function kindOf(target: Target): string {
  switch (target.kind) {
    case 'weighted':
      return target.as;
    case 'view':
      return target.view;
    case 'output':
      return kindOf(target.of);
    case 'binary':
    case 'regression':
    case 'segmentation':
    case 'detection':
    case 'similarity':
    case 'graph':
      return target.kind;
    default:
      return 'class';
  }
}

function isClassification(target: Target): boolean {
  switch (target.kind) {
    case 'regression':
    case 'segmentation':
    case 'similarity':
    case 'graph':
      return false;
    case 'detection':
      return target.readout.box === undefined;
    case 'output':
    case 'view':
      return isClassification(target.of);
    case 'weighted':
      return target.terms.every(([part]) => isClassification(part));
    default:
      return true;
  }
}
