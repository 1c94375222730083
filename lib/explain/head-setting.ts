import type { HeadKind } from '../model/find/logits.ts';
import type { Network } from '../network/network.ts';
import { headLabels } from '../request/targets.ts';
import type { Prediction } from '../result/explanation-fields.ts';
import type { Labels } from '../targets/labels.ts';
import type { HeadChoice, ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';

/** What is the same for all results of an explainer. */
export interface Setting {
  readonly labels: Labels | undefined;
}

/** What is the same for all results that read one output. */
export interface HeadSetting extends Setting {
  readonly headKind: HeadKind;
  /** What every result that reads the output is told. */
  readonly warnings: readonly string[];
}

/** The setting of the output that a target reads. */
export function headSetting(setting: Setting, network: Network, choice: HeadChoice): HeadSetting {
  const { kind, readout, classes, note, output } = network.head(choice);
  const isOwn = output === network.model.logits.output;
  // Sums over positions and similarities have no probability, as regression values have none.
  const headKind = readout && readout.kind !== 'detection' ? 'regression' : kind;
  const labels = headLabels(setting.labels, network, choice);
  // Detectors may have a class for nothing, without a name.
  const fits = !labels || readout?.kind === 'detection' || labels.names.length === classes;
  const warnings = note === undefined || readout?.kind === 'similarity' ? [] : [note];
  if (labels?.from) warnings.push(`labels from ${labels.from}`);
  if (!labels && setting.labels?.fitting && isOwn && readout?.kind !== 'similarity')
    warnings.push(
      `${setting.labels.from} has ${setting.labels.names.length} names, the output "${output}" ${classes} ` +
        `class${classes === 1 ? '' : 'es'}: they are not used; give \`labels\``,
    );
  if (!fits) warnings.push(`there are ${labels.names.length} labels for ${classes} classes: names may be wrong`);
  return { ...setting, headKind, labels, warnings };
}

/** The classes with the largest logits. */
export function predictionsOf(
  row: ScoreRow,
  { labels, headKind }: Pick<HeadSetting, 'labels' | 'headKind'>,
  count: number,
): Prediction[] {
  return row.top(count).map(index => ({
    index,
    label: labels?.names[index] ?? null,
    score: row.logits[index]!,
    probability: hasProbability(headKind) ? row.probability(index) : null,
  }));
}

/** Values of regressions and embeddings have none. */
export function hasProbability(kind: HeadKind): boolean {
  return kind !== 'regression' && kind !== 'embedding';
}

/** Of a target's class; of a binary target that of its category. Null for what has none. */
export function probabilityOf(target: ResolvedTarget, row: ScoreRow, index: number, kind: HeadKind): number | null {
  if (!target.classification || !(target.kind === 'binary' || hasProbability(kind))) return null;
  return row.probability(index, target.terms[0]!.opposite);
}
