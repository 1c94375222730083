import { defineMetric, type MetricCase } from './definition.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { areaOf, countsOf, curveOf, curveVariants, STEPS } from './support/curve.ts';
import { SCORE, scoreOf } from './support/score-param.ts';
import { tiedShare } from './support/ties.ts';

const counts = (asked: MetricCase) => countsOf(asked.subject.pixels, asked.subject.shape.width, asked);

/** Insertion − deletion, each with a baseline of its own. The curve is the difference of the two at equal shares. */
export const insertionDeletion = defineMetric({
  name: 'insertion-deletion',
  aliases: ['delta'],
  title: 'Insertion minus deletion',
  family: 'perturbation',
  source: 'RISE, arXiv:1806.07421, as OpenVINO XAI subtracts the two',
  direction: 'higher',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: '(2 steps − 1) F',
  params: {
    score: SCORE,
    ...STEPS,
    baseline: baselineParam('zero', { openvino: 'black' }, 'a pixel that deletion removes'),
    insertionBaseline: baselineParam(
      'blur',
      { torchcam: 'zero', openvino: 'black' },
      'a pixel that insertion has not put in yet',
    ),
  },
  variants: async asked => {
    const points = counts(asked);
    const { params } = asked;
    const insertionBaseline = baselineOf(params, 'insertionBaseline');
    return [
      ...(await curveVariants(asked, points, { kind: 'insert-most', baseline: insertionBaseline })),
      ...(await curveVariants(asked, points, { kind: 'remove-most', baseline: baselineOf(params) })),
    ];
  },
  measure: async (asked, scores) => {
    const points = counts(asked);
    const all = scores[scoreOf(asked.params)];
    const [inserted, deleted] = [all.subarray(0, points.length), all.subarray(points.length)].map(some =>
      curveOf(points, asked.subject.pixels, some),
    ) as [ReturnType<typeof curveOf>, ReturnType<typeof curveOf>];
    const [insertion, deletion] = [areaOf(inserted, asked), areaOf(deleted, asked)];
    const y = inserted.y.map((value, i) => value - deleted.y[i]!);
    return {
      value: insertion - deletion,
      curve: { x: inserted.x, y },
      details: { insertion, deletion, ties: await tiedShare(asked.map) },
    };
  },
});
