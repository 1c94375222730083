import type { ChosenMetric } from '../metrics/choose.ts';
import type { MetricCase, VariantScores } from '../metrics/definition.ts';
import type { Subject } from '../metrics/subject.ts';
import type { PixelVariant } from '../scoring/pixel-variants.ts';

/** Scores of an image: of its probability and its own score. */
export type ScorePair = readonly [probability: number, logit: number];

/** What runs changed inputs. */
export interface VariantRunner {
  readonly subject: Subject;
  /** [variants, 2]: probability, own score. */
  run(variants: readonly PixelVariant[]): Promise<Float64Array>;
  /** Scores of inputs that belong to the network, by the name of their baseline. */
  readonly constants: Map<string, ScorePair>;
}

/** One metric on one map. */
export interface AskedMetric {
  readonly metric: ChosenMetric;
  readonly asked: MetricCase;
}

/**
 * Scores what the metrics of some maps ask for, in one sequence of runs: what several ask for is run once, the unchanged input
 * not at all, an input of one colour once for the network.
 * @returns by metric, in the order of `asked`
 * @throws what a run throws
 */
export async function scoreVariants(runner: VariantRunner, asked: readonly AskedMetric[]): Promise<VariantScores[]> {
  const wanted = await Promise.all(
    asked.map(async ({ metric, asked: one }) => (await metric.definition.variants?.(one)) ?? []),
  );
  const { subject, constants } = runner;
  const known = new Map<Float32Array, ScorePair>([
    [subject.input, [subject.score('probability'), subject.score('logit')]],
  ]);
  const ofNetwork = await subject.constants();
  for (const [name, image] of ofNetwork) {
    const pair = constants.get(name);
    if (pair) known.set(image, pair);
  }
  const whole = wanted.map(list => list.map(variant => withoutTrivia(variant, subject)));
  const open = whole.flat().filter(({ to, from }) => to !== undefined || !known.has(from));
  const scores = await runner.run(open);
  let next = 0;
  const pairOf = ({ from, to }: PixelVariant): ScorePair => {
    const given = to === undefined ? known.get(from) : undefined;
    if (given) return given;
    const pair: ScorePair = [scores[2 * next]!, scores[2 * next + 1]!];
    next++;
    return pair;
  };
  const pairs = whole.map(list => list.map(pairOf));
  for (const [name, image] of ofNetwork)
    whole.forEach((list, i) => {
      const at = list.findIndex(({ from, to }) => from === image && to === undefined);
      if (at >= 0) constants.set(name, pairs[i]![at]!);
    });
  return pairs.map(list => ({
    probability: Float64Array.from(list, ([probability]) => probability),
    logit: Float64Array.from(list, ([, logit]) => logit),
  }));
}

/** A copy in which nothing, or everything, is changed is one of its images. */
function withoutTrivia(variant: PixelVariant, { pixels }: Subject): PixelVariant {
  const { from, to, order, begin = 0, end = order?.length ?? 0 } = variant;
  if (!to || !order || end <= begin) return { from };
  // An order of all pixels has each once; orders of other lengths may repeat some.
  if (order.length === pixels && begin === 0 && end === pixels && isWhole(order)) return { from: to };
  return { from, to, order, begin, end };
}

const whole = new WeakMap<Uint32Array, boolean>();

/** Whether an order of as many entries as there are pixels has every pixel. */
function isWhole(order: Uint32Array): boolean {
  let known = whole.get(order);
  if (known === undefined) {
    const seen = new Uint8Array(order.length);
    for (const pixel of order) seen[pixel] = 1;
    known = !seen.includes(0);
    whole.set(order, known);
  }
  return known;
}
