import { invalid } from '../common/checks.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import type { Classes } from './subject.ts';
import { drawOf } from './support/draw.ts';
import { byMaximum } from './support/judged-values.ts';
import { type Similarity, similarityOf, whyIncomparable } from './support/similarity.ts';

/**
 * How similar the maps of the target and of another class are; a map that tells about its class differs. Quantus compares the maps as
 * lines, with SSIM in windows of 7 values.
 */
export const randomLogit = defineMetric({
  name: 'random-logit',
  aliases: ['class-sensitivity'],
  title: 'Random Logit',
  family: 'randomisation',
  source: 'Sixt et al. 2020, arXiv:1912.09818',
  direction: 'lower',
  range: [-1, 1],
  unit: 'correlation',
  needs: { explanations: true },
  refuses: ['zero', 'constant'],
  cost: '1M',
  params: {
    other: {
      type: 'integer',
      values: ['second', 'random'],
      default: 'second',
      defaults: { quantus: 'random' },
      min: 0,
      description: 'the class with the highest score besides the target, one of the others by chance, or an index',
    },
    similarity: {
      type: 'string',
      values: ['ssim', 'pearson', 'spearman'],
      default: 'ssim',
      description: 'SSIM in windows of 7 × 7, or a correlation of the pixels',
    },
  },
  measure: async ({ subject, map, params, convention, explain }: MetricCase) => {
    const { classes } = subject;
    if (!classes || classes.logits.length < 2)
      return { value: null, reason: 'there is no other class that a map could be made of' };
    const other = otherClass(classes, params.other, () => drawOf(subject, 'random-logit', 0).uniform());
    const answer = await explain!({ classIndex: other });
    const why = whyIncomparable(answer);
    if (why) return { value: null, reason: `the map of class ${other} ${why}`, details: { other } };
    const [a, b] = convention === 'quantus' ? [byMaximum(map.data), byMaximum(answer)] : [map.data, answer];
    const asked = params.similarity as Similarity;
    const kind = asked === 'ssim' && convention === 'quantus' ? 'ssim-of-line' : asked;
    const value = await similarityOf(kind, a, b, map);
    const details = { other, pearson: await similarityOf('pearson', a, b, map) };
    if (value === null) return { value, reason: 'the map is too narrow for windows of SSIM', details };
    if (a.every((one, i) => one === b[i]))
      return { value, reason: 'the maps are equal: the method does not look at the class', details };
    return { value, details };
  },
});

/** @throws `ERR_OPTION_INVALID` for an index that is no class, or the target's own */
function otherClass({ target, logits }: Classes, other: unknown, uniform: () => number): number {
  if (other === 'random') {
    const index = Math.floor(uniform() * (logits.length - 1));
    return index < target ? index : index + 1;
  }
  if (other === 'second') {
    let best = target === 0 ? 1 : 0;
    for (let i = 0; i < logits.length; i++) if (i !== target && logits[i]! > logits[best]!) best = i;
    return best;
  }
  const index = other as number;
  if (index >= logits.length)
    throw invalid(`random-logit: parameter 'other' is a class from 0 to ${logits.length - 1}, not ${index}`);
  if (index === target) throw invalid(`random-logit: parameter 'other' is class ${index}, the target itself`);
  return index;
}
