import { OnnxCamError } from '../common/errors.ts';
import type { Network } from '../network/network.ts';
import { notOfImages } from '../plan/readout.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import type { Labels } from '../targets/labels.ts';
import { type HeadChoice, headChoiceOf, type ResolvedTarget, resolveTarget } from '../targets/resolve.ts';
import type { Target } from '../targets/target.ts';

/**
 * Resolves a target against the output that it reads.
 * @param assume see {@link Network.withDetection}
 * @throws `ERR_MODEL_UNSUPPORTED` for a target that the output has no scores for, `ERR_TARGET_RANGE`,
 * `ERR_TARGET_UNKNOWN`, `ERR_OPTION_INVALID`
 */
export function resolveFor(
  network: Network,
  target: Target,
  labels: Labels | undefined,
  assume = false,
): readonly ResolvedTarget[] {
  const choice = network.withDetection(headChoiceOf(target), assume);
  const { classes, kind, output, readout } = rowHead(network, choice);
  const resolved = resolveTarget(target, { classes, labels: headLabels(labels, network, choice) });
  const views = resolved.flatMap(({ terms }) => terms.map(({ view }) => view));
  if (kind === 'confidence' && views.some(view => view === 'logProbability' || view === 'rest'))
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the output "${output}" has probabilities, not logits; take the class itself or its probability as target`,
    );
  // What a probability's probability is.
  const isPlain = kind === 'confidence' && !readout;
  const terms = (one: ResolvedTarget) =>
    isPlain
      ? one.terms.map(term => (term.view === 'probability' ? { ...term, view: 'logit' as const } : term))
      : one.terms;
  return resolved.map(one => ({ ...one, ...choice, terms: terms(one) }));
}

/**
 * A head with one score per class.
 * @throws `ERR_MODEL_UNSUPPORTED` for one with scores for many positions
 */
export function rowHead(network: Network, choice: HeadChoice): ScoreHead {
  const head = network.head(choice);
  if (head.classes < 0)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the output "${head.output}" has as many values for each image as there are images; say which score is meant with a ` +
        `small model that picks one, as target graph(FILE) (graph:FILE on the command line)${otherRows(network, head)}`,
    );
  if (!head.spatial) return head;
  if (head.unbatched) throw notOfImages(head);
  throw new OnnxCamError(
    'ERR_MODEL_UNSUPPORTED',
    `the output "${head.output}" ([${head.dims}]) has scores for many positions; take segmentation({ classIndex }) ` +
      `(segmentation:CLASS on the command line) or graph(model), a score of your own, as target${otherRows(network, head)}`,
  );
}

/** Advice to take another output, where one has a score for each class. */
function otherRows({ model }: Network, { output }: ScoreHead): string {
  const hasRows = (name: string): boolean => {
    try {
      const { spatial, classes } = model.logitsOf(name);
      return !spatial && classes > 0;
    } catch {
      // It holds no scores, or none that depend on the picture.
      return false;
    }
  };
  const names = model.graph.outputs.map(({ name }) => name).filter(name => name !== output && hasRows(name));
  if (names.length === 0) return '';
  return `, or name another output in the option \`output\` (--output NAME): ${names.map(name => `"${name}"`).join(', ')}`;
}

/** Labels belong to the model's output, and to others of its length; similarities are not of classes. */
export function headLabels(labels: Labels | undefined, network: Network, choice: HeadChoice): Labels | undefined {
  const { output, classes, readout } = network.head(choice);
  if (readout?.kind === 'similarity') return undefined;
  if (readout?.kind === 'detection' && !labels?.fitting) return labels;
  const { logits } = network.model;
  return output === logits.output || classes === logits.classes ? labels?.of(classes) : undefined;
}
