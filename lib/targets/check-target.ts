import { OnnxCamError } from '../common/errors.ts';
import { shown } from '../common/shown.ts';
import type { Target } from './target.ts';

const isCount = (value: unknown, least = 0): boolean => Number.isSafeInteger(value) && (value as number) >= least;
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isTerm = (value: unknown): boolean => Array.isArray(value) && value.length === 2 && Number.isFinite(value[1]);

/** What each kind of target holds; parts that are targets themselves are checked on their own. */
const FIELDS: { readonly [K in Target['kind']]: (target: Extract<Target, { kind: K }>) => boolean } = {
  rank: ({ rank }) => isCount(rank),
  top: ({ k }) => isCount(k, 1),
  class: ({ index }) => Number.isSafeInteger(index),
  label: ({ label }) => isText(label),
  binary: ({ category }) => category === 0 || category === 1,
  regression: ({ index }) => Number.isSafeInteger(index),
  segmentation: ({ classIndex, region }) =>
    Number.isSafeInteger(classIndex) && (region === 'predicted' || isObject(region)),
  detection: ({ classIndex, readout }) =>
    (classIndex === undefined || Number.isSafeInteger(classIndex)) && isObject(readout),
  similarity: ({ to }) => isObject(to),
  graph: ({ model }) => isText(model) || isObject(model),
  weighted: ({ terms, as }) => Array.isArray(terms) && terms.length > 0 && terms.every(isTerm) && isText(as),
  view: ({ view }) => ['probability', 'logProbability', 'rest'].includes(view),
  output: ({ name }) => isText(name),
};

/**
 * A target that came as a value: one that was not made by the functions of onnx-cam/targets may hold anything.
 * @throws `ERR_OPTION_INVALID`
 */
export function checkTarget(target: unknown): Target {
  const { kind } = Object(target) as Target;
  if (!isObject(target) || !Object.hasOwn(FIELDS, kind)) throw notATarget(target);
  const known = target as Target;
  if (!(FIELDS[kind] as (target: Target) => boolean)(known)) throw notATarget(target);
  if (known.kind === 'weighted') for (const [part] of known.terms) checkTarget(part);
  if (known.kind === 'view' || known.kind === 'output') checkTarget(known.of);
  return known;
}

function notATarget(value: unknown): OnnxCamError {
  return new OnnxCamError(
    'ERR_OPTION_INVALID',
    `a target is a class index, a label, 'top1', or a value from onnx-cam/targets, not ${shown(value)}`,
  );
}
