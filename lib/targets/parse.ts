import { OnnxCamError } from '../common/errors.ts';
import { checkTarget } from './check-target.ts';
import { type Box, parseDetection } from './detection.ts';
import type { Target, TargetInput } from './target.ts';

/** A number is a class index, `'top1'`/`'top3'` are ranks, any other string is a label. */
export function parseTarget(input: TargetInput): Target {
  if (typeof input === 'number') {
    if (!Number.isInteger(input))
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `a target given as a number is a class index, a whole number, not ${input}`,
      );
    return { kind: 'class', index: input };
  }
  if (typeof input === 'string') {
    const top = /^top-?(\d+)$/i.exec(input);
    if (!top) return { kind: 'label', label: input };
    const k = Number(top[1]);
    if (k < 1) throw new OnnxCamError('ERR_OPTION_INVALID', `'${input}': the number of top classes starts at 1`);
    return k === 1 ? { kind: 'rank', rank: 0 } : { kind: 'top', k };
  }
  return checkTarget(input);
}

/**
 * The text form of the command line: `281`, `tabby`, `top3`, `contrast:281,282`, `negative:281`, `rest:281`,
 * `probability:281`, `segmentation:12`, `detection:17`, `detection:17@X,Y,W,H`, `similarity:PICTURE`,
 * `graph:FILE`, `output=NAME:5`.
 * @throws `ERR_OPTION_INVALID` for a known prefix with the wrong number of parts.
 */
export function parseTargetText(text: string): Target {
  const output = /^output=([^:]+):(.+)$/.exec(text);
  if (output) return { kind: 'output', name: output[1]!, of: parseTargetText(output[2]!) };
  const call =
    /^(contrast|negative|rest|probability|logprobability|binary|regression|segmentation|detection|similarity|graph):(.+)$/i.exec(
      text,
    );
  if (!call) return parseTarget(/^-?\d+$/.test(text) ? Number(text) : text);
  const name = call[1]!.toLowerCase();
  const rest = call[2]!;
  switch (name) {
    case 'contrast': {
      const parts = rest.split(',');
      if (parts.length !== 2)
        throw new OnnxCamError('ERR_OPTION_INVALID', `contrast takes two targets (contrast:281,282), not '${rest}'`);
      const [a, b] = parts.map(part => parseTargetText(part.trim())) as [Target, Target];
      return {
        kind: 'weighted',
        as: 'contrast',
        terms: [
          [a, 1],
          [b, -1],
        ],
      };
    }
    case 'negative':
      return { kind: 'weighted', as: 'negative', terms: [[parseTargetText(rest), -1]] };
    case 'binary':
      if (rest !== '0' && rest !== '1')
        throw new OnnxCamError('ERR_OPTION_INVALID', `binary takes 0 or 1, not '${rest}'`);
      return { kind: 'binary', category: rest === '0' ? 0 : 1 };
    case 'regression':
      if (!/^\d+$/.test(rest))
        throw new OnnxCamError('ERR_OPTION_INVALID', `regression takes the value's index, not '${rest}'`);
      return { kind: 'regression', index: Number(rest) };
    case 'segmentation':
      if (!/^\d+$/.test(rest))
        throw new OnnxCamError('ERR_OPTION_INVALID', `segmentation takes the class's index, not '${rest}'`);
      return { kind: 'segmentation', classIndex: Number(rest), region: 'predicted' };
    case 'detection':
      return parseDetectionText(rest);
    case 'graph':
      return { kind: 'graph', model: rest };
    case 'similarity':
      return { kind: 'similarity', to: { image: rest } };
    default:
      return {
        kind: 'view',
        view: name === 'logprobability' ? 'logProbability' : (name as 'rest' | 'probability'),
        of: parseTargetText(rest),
      };
  }
}

/** One target as text, or several as indices with commas, which no label has. @throws `ERR_OPTION_INVALID` */
export function parseTargetTexts(text: string): Target[] {
  const texts = /^\d+(\s*,\s*\d+)+$/.test(text) ? text.split(',') : [text];
  return texts.map(one => parseTargetText(one.trim()));
}

/** `17`, `17@X,Y,W,H`, `@X,Y,W,H` or `best`. */
function parseDetectionText(text: string): Target {
  const [, index, box] = /^(\d+|best)?(?:@(.+))?$/i.exec(text) ?? [];
  const numbers = box?.split(',').map(part => (part.trim() === '' ? Number.NaN : Number(part)));
  if ((index === undefined && box === undefined) || numbers?.some(Number.isNaN))
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `detection takes the class's index, a box, or both (detection:17, detection:@X,Y,W,H, detection:17@X,Y,W,H), or 'best', not '${text}'`,
    );
  const classIndex = index && index.toLowerCase() !== 'best' ? { classIndex: Number(index) } : {};
  return { kind: 'detection', ...classIndex, readout: parseDetection({ box: numbers as unknown as Box | undefined }) };
}
